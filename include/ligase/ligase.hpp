#pragma once

#include <ligase/heads/classification.hpp>
#include <ligase/heads/language_model.hpp>
#include <ligase/model.hpp>
#include <ligase/models/caduceus.hpp>
#include <ligase/models/mamba.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/train/loop.hpp>
#include <ligase/train/metric.hpp>
#include <ligase/version.hpp>
