#include <simt/runtime_api.hpp>

#include "device_memory.hpp"
#include "grid.hpp"
#include "shared_memory.hpp"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

using simt::Work;
using Clock = std::chrono::steady_clock;

struct simt_stream {
  bool capturing = false, invalidated = false;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::vector<Work> recorded;
};
struct simt_event {
  Clock::time_point time;
  bool recorded = false;
  std::uint64_t ticket = 0;  ///< work that was given until it was recorded
};
struct simt_graph {
  std::vector<Work> nodes;
};

namespace {

constexpr std::size_t default_shared_limit = 48 * 1024;

/// The device as the process sees it.
struct Runtime {
  std::recursive_mutex mutex;
  std::deque<Work> queue;
  std::uint64_t given = 0, done = 0;
  simt::Waits waited;
  bool deferred = std::getenv("LIGASE_SIMT_DEFERRED") != nullptr;
  cudaError_t last = cudaSuccess;
  simt_stream default_stream;
  simt_stream* capturing = nullptr;
  std::map<void (*)(), std::size_t> shared_limits;
  std::map<void*, std::size_t> pinned;

  simt_stream& get(cudaStream_t stream) { return stream == nullptr ? default_stream : *stream; }
  cudaError_t fail(cudaError_t error) {
    if (error != cudaSuccess) last = error;
    return error;
  }
  /// Error of a call that waits for the device, or takes memory from it, while a stream is recorded.
  cudaError_t refuse_capture(bool waits) {
    if (capturing == nullptr || (!waits && capturing->mode == cudaStreamCaptureModeRelaxed)) return cudaSuccess;
    capturing->invalidated = true;
    return fail(cudaErrorStreamCaptureUnsupported);
  }
  void give(Work work) {
    ++given;
    if (!deferred) {
      ++done;
      work();
    } else {
      queue.push_back(std::move(work));
    }
  }
  /// Does what was given until `ticket`, and no more: what waits behind it must not be seen.
  void drain(std::uint64_t ticket) {
    if (done >= ticket) return;
    while (done < ticket) {
      const Work work = std::move(queue.front());
      queue.pop_front();
      ++done;
      work();
    }
    ++waited.waited;
    if (queue.empty()) ++waited.idle;
  }
  void drain() { drain(given); }
  bool is_pinned(const void* p, std::size_t bytes) {
    auto piece = pinned.upper_bound(const_cast<void*>(p));
    if (piece == pinned.begin()) return false;
    --piece;
    return static_cast<const char*>(p) + bytes <= static_cast<const char*>(piece->first) + piece->second;
  }
};
Runtime& runtime() {
  static Runtime& instance = *new Runtime;
  return instance;
}
/// Holds the device for one call.
struct Hold {
  std::lock_guard<std::recursive_mutex> lock{runtime().mutex};
  Runtime& r = runtime();
  Runtime* operator->() const { return &r; }
};

/// Waits unless a stream is recorded.
cudaError_t wait(bool even_relaxed = true) {
  Hold r;
  if (const auto error = r->refuse_capture(even_relaxed); error != cudaSuccess) return error;
  r->drain();
  return cudaSuccess;
}
cudaError_t wait_for(const simt_event& event) {
  Hold r;
  if (const auto error = r->refuse_capture(true); error != cudaSuccess) return error;
  r->drain(event.ticket);
  return cudaSuccess;
}

}  // namespace

void simt::set_deferred(bool on) {
  Hold r;
  r->drain();
  r->deferred = on;
}
simt::Waits simt::waits() { return Hold{}->waited; }

cudaError_t simt::submit(cudaStream_t stream, Work work) {
  Hold r;
  simt_stream& s = r->get(stream);
  if (s.capturing)
    s.recorded.push_back(std::move(work));
  else
    r->give(std::move(work));
  return cudaSuccess;
}

cudaError_t simt::set_shared_limit(void (*kernel)(), cudaFuncAttribute attribute, int value) {
  Hold r;
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<std::size_t>(value) > shared_capacity) return r->fail(cudaErrorInvalidValue);
  r->shared_limits[kernel] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

cudaError_t simt::launch(const cudaLaunchConfig_t& config, void (*kernel)(), Work thread) {
  Hold r;
  const dim3 g = config.gridDim, b = config.blockDim;
  const std::uint64_t threads = std::uint64_t{b.x} * b.y * b.z;
  if (threads < 1 || threads > 1024 || b.z > 64 || g.x < 1 || g.x > 0x7FFFFFFFu || g.y < 1 || g.y > 65535 || g.z < 1 ||
      g.z > 65535)
    return r->fail(cudaErrorInvalidConfiguration);
  const auto limit = r->shared_limits.find(kernel);
  if (config.dynamicSmemBytes > (limit == r->shared_limits.end() ? default_shared_limit : limit->second) ||
      config.numAttrs != 0)
    return r->fail(cudaErrorInvalidValue);
  return submit(config.stream, [launch = Launch{g, b, config.dynamicSmemBytes, std::move(thread)}] {
    const DeviceAccess access;
    run(launch);
    check_pieces();
  });
}

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "cudaSuccess";
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration: return "cudaErrorInvalidConfiguration";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
    case cudaErrorIllegalState: return "cudaErrorIllegalState";
    case cudaErrorNotReady: return "cudaErrorNotReady";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
  }
  return "unrecognized error code";
}
const char* cudaGetErrorString(cudaError_t error) { return cudaGetErrorName(error); }
cudaError_t cudaGetLastError() { return std::exchange(Hold{}->last, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return Hold{}->last; }

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : Hold{}->fail(cudaErrorInvalidDevice); }
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: *value = 1024; return cudaSuccess;
    case cudaDevAttrWarpSize: *value = 32; return cudaSuccess;
    case cudaDevAttrMultiProcessorCount: *value = 132; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor: *value = 9; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = 0; return cudaSuccess;
    case cudaDevAttrL2CacheSize: *value = 50 << 20; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(simt::shared_capacity); return cudaSuccess;
  }
  return Hold{}->fail(cudaErrorInvalidValue);
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"emulated on the host", simt::device_capacity(), 9, 0, 132, 32, 50 << 20, simt::shared_capacity};
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return wait(); }
cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  Hold r;
  *total = simt::device_capacity();
  *free = *total - static_cast<std::size_t>(simt::allocated_bytes());
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** p, std::size_t bytes) {
  Hold r;
  if (const auto error = r->refuse_capture(false); error != cudaSuccess) return error;
  *p = nullptr;
  if (bytes == 0) return cudaSuccess;
  *p = simt::allocate(bytes);
  return *p == nullptr ? r->fail(cudaErrorMemoryAllocation) : cudaSuccess;
}
cudaError_t cudaFree(void* p) {
  if (p == nullptr) return cudaSuccess;
  Hold r;
  if (const auto error = wait(false); error != cudaSuccess) return error;
  return simt::release(p) ? cudaSuccess : r->fail(cudaErrorInvalidValue);
}
cudaError_t cudaHostAlloc(void** p, std::size_t bytes, unsigned) {
  Hold r;
  if (const auto error = r->refuse_capture(false); error != cudaSuccess) return error;
  *p = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (*p == nullptr) return r->fail(cudaErrorMemoryAllocation);
  if (simt::poison()) std::memset(*p, 0xFF, bytes);
  r->pinned[*p] = bytes;
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** p, std::size_t bytes) { return cudaHostAlloc(p, bytes, 0); }
cudaError_t cudaFreeHost(void* p) {
  if (p == nullptr) return cudaSuccess;
  Hold r;
  if (const auto error = wait(false); error != cudaSuccess) return error;
  if (r->pinned.erase(p) == 0) return r->fail(cudaErrorInvalidValue);
  std::free(p);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  Hold r;
  const bool to_device = simt::is_device(to), from_device = simt::is_device(from);
  const bool fits = kind == cudaMemcpyDefault ||
                    (to_device == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
                     from_device == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice));
  if (!fits || (to_device && !simt::is_inside(to, bytes)) || (from_device && !simt::is_inside(from, bytes)))
    return r->fail(cudaErrorInvalidValue);
  const auto copy = [to, bytes](const void* source) {
    const simt::DeviceAccess access;
    std::memmove(to, source, bytes);
  };
  // As the toolkit has it: pageable memory is read before the call returns, and written before it returns.
  if (!from_device && !r->get(stream).capturing && r->deferred && !r->is_pinned(from, bytes)) {
    std::vector<char> kept(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    return simt::submit(stream, [copy, kept = std::move(kept)] { copy(kept.data()); });
  }
  const auto error = simt::submit(stream, [copy, from] { copy(from); });
  if (!to_device && !r->get(stream).capturing && !r->is_pinned(to, bytes)) r->drain();
  return error;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  const auto error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return error != cudaSuccess ? error : wait();
}
cudaError_t cudaMemsetAsync(void* p, int byte, std::size_t bytes, cudaStream_t stream) {
  if (!simt::is_inside(p, bytes)) return Hold{}->fail(cudaErrorInvalidValue);
  return simt::submit(stream, [=] {
    const simt::DeviceAccess access;
    std::memset(p, byte, bytes);
  });
}
cudaError_t cudaMemset(void* p, int byte, std::size_t bytes) { return cudaMemsetAsync(p, byte, bytes, nullptr); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new simt_stream;
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, 0); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const auto error = wait();
  if (error == cudaSuccess) delete stream;
  return error;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return wait(); }
cudaError_t cudaStreamQuery(cudaStream_t) {
  Hold r;
  if (const auto error = r->refuse_capture(true); error != cudaSuccess) return error;
  return r->queue.empty() ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new simt_event;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const auto error = wait();
  if (error == cudaSuccess) delete event;
  return error;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Hold r;
  if (!r->get(stream).capturing) event->ticket = r->given + 1;
  return simt::submit(stream, [event] {
    event->time = Clock::now();
    event->recorded = true;
  });
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) { return wait_for(*event); }
cudaError_t cudaEventQuery(cudaEvent_t event) {
  Hold r;
  if (const auto error = r->refuse_capture(true); error != cudaSuccess) return error;
  return r->done >= event->ticket ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  if (!begin->recorded || !end->recorded) return Hold{}->fail(cudaErrorInvalidResourceHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  Hold r;
  const simt_stream& s = r->get(stream);
  *status = s.invalidated ? cudaStreamCaptureStatusInvalidated
            : s.capturing ? cudaStreamCaptureStatusActive
                          : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  Hold r;
  if (stream == nullptr) return r->fail(cudaErrorStreamCaptureUnsupported);
  if (r->capturing != nullptr) return r->fail(cudaErrorIllegalState);
  *stream = {true, false, mode, {}};
  r->capturing = stream;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Hold r;
  *graph = nullptr;
  if (stream == nullptr || !stream->capturing) return r->fail(cudaErrorIllegalState);
  simt_stream recorded = std::exchange(*stream, {});
  r->capturing = nullptr;
  if (recorded.invalidated) return r->fail(cudaErrorStreamCaptureInvalidated);
  *graph = new simt_graph{std::move(recorded.recorded)};
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void*, std::size_t* count) {
  *count = graph->nodes.size();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new simt_graph(*graph);
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  for (const Work& node : executable->nodes) simt::submit(stream, node);
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const auto error = wait(false);
  if (error == cudaSuccess) delete executable;
  return error;
}
