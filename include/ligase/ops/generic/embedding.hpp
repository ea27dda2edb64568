#pragma once

#include <ligase/ops/generic/host_view.hpp>
#include <ligase/ops/generic/sum_rows.hpp>

#include <algorithm>

namespace ligase::inline LIGASE_ISA::generic {

template <class T>
struct EmbeddingForward {
  const std::int32_t* ids;
  const wide_t<T>* weight;
  Index width;
  T* out;
  LIGASE_HD void operator()(Index row) const {
    const wide_t<T>* from = weight + ids[row] * width;
    for (Index j = 0; j < width; ++j) out[row * width + j] = from[j];
  }
};

/// Columns that one index of EmbeddingTile sums.
inline constexpr Index embedding_columns = 64;

/// Sums of a tile of tokens, for a block of columns: partial [tiles, V, D].
template <class T>
struct EmbeddingTile {
  const T* dy;
  const std::int32_t* ids;
  Index tokens, tile_tokens, vocabulary, width;
  wide_t<T>* partial;
  LIGASE_HD void operator()(Index i) const {
    const Index blocks = (width + embedding_columns - 1) / embedding_columns, tile = i / blocks;
    const Index begin = i % blocks * embedding_columns;
    const Index end = begin + embedding_columns < width ? begin + embedding_columns : width;
    const Index last = (tile + 1) * tile_tokens < tokens ? (tile + 1) * tile_tokens : tokens;
    wide_t<T>* sum = partial + tile * vocabulary * width;
    for (Index v = 0; v < vocabulary; ++v)
      for (Index j = begin; j < end; ++j) sum[v * width + j] = wide_t<T>(0);
    for (Index t = tile * tile_tokens; t < last; ++t) {
      wide_t<T>* to = sum + ids[t] * width;
      for (Index j = begin; j < end; ++j) to[j] += dy[t * width + j];
    }
  }
};

template <Device D, class T>
void embedding_forward(Context<D>& context, const Tensor<std::int32_t, D>& ids, const Tensor<wide_t<T>, D>& weight,
                       Tensor<T, D>& out) {
  for_rows(context, ids.count(), EmbeddingForward<T>{ids.data(), weight.data(), weight.size(1), out.data()});
}

template <Device D, class T>
void embedding_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<std::int32_t, D>& ids,
                        Tensor<wide_t<T>, D>& dweight) {
  const Index tokens = ids.count(), vocabulary = dweight.size(0), width = dweight.size(1);
  const Index tile_tokens = std::max<Index>(1024, 4 * vocabulary), tiles = (tokens + tile_tokens - 1) / tile_tokens;
  Tensor<wide_t<T>, D> partial({tiles, vocabulary, width});
  for_rows(context, tiles * ((width + embedding_columns - 1) / embedding_columns),
           EmbeddingTile<T>{dy.data(), ids.data(), tokens, tile_tokens, vocabulary, width, partial.data()});
  add_tiles(context, partial, dweight);
}

}  // namespace ligase::inline LIGASE_ISA::generic
