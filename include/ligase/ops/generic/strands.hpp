#pragma once

#include <ligase/ops/generic/host_view.hpp>
#include <ligase/ops/primitives.hpp>

namespace ligase::inline LIGASE_ISA::generic {

/// Row of the other strand's tensor that is about the same token: strands exchanged (of 2 B sequences), length reversed.
LIGASE_HD constexpr Index mirrored_row(Index row, Index batch, Index length) {
  const Index sequence = row / length, t = row % length;
  return (sequence < batch ? sequence + batch : sequence - batch) * length + (length - 1 - t);
}

template <class T>
LIGASE_HD void copy_row(const T* from, Index width, bool reversed, T* to) {
  if (reversed)
    for (Index j = 0; j < width; ++j) to[j] = from[width - 1 - j];
  else
    for (Index j = 0; j < width; ++j) to[j] = from[j];
}

template <class T>
struct Reverse {
  const T* x;
  Index length, width;
  bool time, channels;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    const Index t = row % length, from = time ? row - t + (length - 1 - t) : row;
    copy_row(x + from * width, width, channels, y + row * width);
  }
};
template <class T>
struct ExchangeStrands {
  const T* x;
  Index batch, length, width;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    copy_row(x + mirrored_row(row, batch, length) * width, width, true, y + row * width);
  }
};
struct ComplementIds {
  const std::int32_t *ids, *map;
  Index length;
  std::int32_t* y;
  LIGASE_HD void operator()(Index i) const {
    const Index t = i % length;
    y[i] = map[ids[i - t + (length - 1 - t)]];
  }
};
struct BothStrands {
  const std::int32_t *ids, *map;
  Index count, length;
  std::int32_t* y;
  LIGASE_HD void operator()(Index i) const {
    const Index t = i % length;
    y[i] = ids[i];
    y[count + i] = map[ids[i - t + (length - 1 - t)]];
  }
};
template <class T>
struct JoinStrandLogits {
  const T* x;
  const std::int32_t* map;
  Index batch, length, width;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    const T *a = x + row * width, *b = x + mirrored_row(row, batch, length) * width;
    for (Index v = 0; v < width; ++v) y[row * width + v] = a[v] + b[map[v]];
  }
};
template <class T>
struct JoinStrandLogitsBackward {
  const T* dy;
  const std::int32_t* map;
  Index batch, length, width;
  T* dx;
  LIGASE_HD void operator()(Index row) const {
    const T* from = dy + row * width;
    T *a = dx + row * width, *b = dx + mirrored_row(row, batch, length) * width;
    for (Index v = 0; v < width; ++v) {
      a[v] = from[v];
      b[v] = T(0);
    }
    for (Index v = 0; v < width; ++v) b[map[v]] = b[map[v]] + from[v];
  }
};
template <class T>
struct HalvesToChannels {
  const T* x;
  Index batch, length, width;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    copy_row(x + row * width, width, false, y + 2 * row * width);
    copy_row(x + mirrored_row(row, batch, length) * width, width, true, y + (2 * row + 1) * width);
  }
};
template <class T>
struct ChannelsToHalves {
  const T* x;
  Index batch, length, width;
  T* y;
  LIGASE_HD void operator()(Index row) const {
    copy_row(x + 2 * row * width, width, false, y + row * width);
    copy_row(x + (2 * row + 1) * width, width, true, y + mirrored_row(row, batch, length) * width);
  }
};

template <Device D, class T>
void reverse_forward(Context<D>& context, const Tensor<T, D>& x, bool time, bool channels, Tensor<T, D>& y) {
  for_rows(context, x.size(0) * x.size(1), Reverse<T>{x.data(), x.size(1), x.size(2), time, channels, y.data()});
}
template <Device D, class T>
void exchange_strands_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& y) {
  for_rows(context, x.size(0) * x.size(1), ExchangeStrands<T>{x.data(), x.size(0) / 2, x.size(1), x.size(2), y.data()});
}
template <Device D>
void complement_ids_forward(Context<D>& context, const Tensor<std::int32_t, D>& ids, const Tensor<std::int32_t, D>& map,
                            Tensor<std::int32_t, D>& y) {
  for_each(context, ids.count(), ComplementIds{ids.data(), map.data(), ids.size(1), y.data()});
}
template <Device D>
void both_strands_forward(Context<D>& context, const Tensor<std::int32_t, D>& ids, const Tensor<std::int32_t, D>& map,
                          Tensor<std::int32_t, D>& y) {
  for_each(context, ids.count(), BothStrands{ids.data(), map.data(), ids.count(), ids.size(1), y.data()});
}
template <Device D, class T>
void join_strand_logits_forward(Context<D>& context, const Tensor<T, D>& x, const Tensor<std::int32_t, D>& map,
                                Tensor<T, D>& y) {
  for_rows(context, y.size(0) * y.size(1),
           JoinStrandLogits<T>{x.data(), map.data(), y.size(0), y.size(1), y.size(2), y.data()});
}
template <Device D, class T>
void join_strand_logits_backward(Context<D>& context, const Tensor<T, D>& dy, const Tensor<std::int32_t, D>& map,
                                 Tensor<T, D>& dx) {
  for_rows(context, dy.size(0) * dy.size(1),
           JoinStrandLogitsBackward<T>{dy.data(), map.data(), dy.size(0), dy.size(1), dy.size(2), dx.data()});
}
template <Device D, class T>
void halves_to_channels_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& y) {
  for_rows(context, y.size(0) * y.size(1), HalvesToChannels<T>{x.data(), y.size(0), y.size(1), x.size(2), y.data()});
}
template <Device D, class T>
void channels_to_halves_forward(Context<D>& context, const Tensor<T, D>& x, Tensor<T, D>& y) {
  for_rows(context, x.size(0) * x.size(1), ChannelsToHalves<T>{x.data(), x.size(0), x.size(1), y.size(2), y.data()});
}

}  // namespace ligase::inline LIGASE_ISA::generic
