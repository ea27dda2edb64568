#pragma once

#include <ligase/seq/tokenizer/any.hpp>
#include <ligase/seq/tokenizer/base_map.hpp>
#include <ligase/seq/tokenizer/bpe_json.hpp>
#include <ligase/seq/tokenizer/bpe_json_write.hpp>
#include <ligase/seq/tokenizer/bpe_train.hpp>
#include <ligase/seq/tokenizer/byte.hpp>
#include <ligase/seq/tokenizer/byte_bpe.hpp>
#include <ligase/seq/tokenizer/char.hpp>
#include <ligase/seq/tokenizer/char_files.hpp>
#include <ligase/seq/tokenizer/kmer.hpp>
#include <ligase/seq/tokenizer/kmer_overlap.hpp>
#include <ligase/seq/tokenizer/one_hot.hpp>
#include <ligase/seq/tokenizer/vocabulary.hpp>
