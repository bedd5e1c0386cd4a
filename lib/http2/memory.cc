#include "lib/http2/memory.h"

#include <algorithm>
#include <cstring>

#include "lib/io/frame_pool.h"

namespace tulle::http2 {
namespace {

// The size stands before each piece, since nghttp2 does not say it when it gives one back.
constexpr size_t kPrefixBytes = alignof(std::max_align_t);

size_t& SizeOf(void* memory) { return *reinterpret_cast<size_t*>(static_cast<char*>(memory) - kPrefixBytes); }

void* Allocate(size_t size, void*) {
  auto* block = static_cast<char*>(io::AllocateFrame(size + kPrefixBytes));
  void* memory = block + kPrefixBytes;
  SizeOf(memory) = size;
  return memory;
}

void Free(void* memory, void*) {
  if (memory == nullptr) return;
  const size_t size = SizeOf(memory);
  io::FreeFrame(static_cast<char*>(memory) - kPrefixBytes, size + kPrefixBytes);
}

void* AllocateZeroed(size_t count, size_t size, void*) {
  void* memory = Allocate(count * size, nullptr);
  std::memset(memory, 0, count * size);
  return memory;
}

void* Reallocate(void* memory, size_t size, void*) {
  void* larger = Allocate(size, nullptr);
  if (memory == nullptr) return larger;
  std::memcpy(larger, memory, std::min(size, SizeOf(memory)));
  Free(memory, nullptr);
  return larger;
}

}  // namespace

nghttp2_mem* PooledMemory() {
  static nghttp2_mem pooled{nullptr, Allocate, Free, AllocateZeroed, Reallocate};
  return &pooled;
}

}  // namespace tulle::http2
