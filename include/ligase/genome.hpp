#pragma once

#include <ligase/data/batch.hpp>
#include <ligase/data/loader.hpp>
#include <ligase/data/sampler.hpp>
#include <ligase/genome/bed.hpp>
#include <ligase/genome/fasta.hpp>
#include <ligase/genome/fasta_dataset.hpp>
#include <ligase/genome/intervals.hpp>
#include <ligase/genome/split.hpp>
