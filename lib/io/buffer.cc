#include "lib/io/buffer.h"

#include <cstdlib>
#include <new>

namespace tulle::io {
namespace {

// Free blocks of one size. A thread keeps so many of each.
template <size_t kBytes, size_t kKept>
struct FreeBlocks {
  char* blocks[kKept];
  size_t count = 0;
  ~FreeBlocks() {
    while (count > 0) std::free(blocks[--count]);
  }

  char* Take(size_t bytes) { return bytes == kBytes && count > 0 ? blocks[--count] : nullptr; }
  bool Keep(char* block, size_t bytes) {
    if (bytes != kBytes || count == kKept) return false;
    blocks[count++] = block;
    return true;
  }
};

thread_local FreeBlocks<Buffer::kFirstBytes, 256> small_blocks;
thread_local FreeBlocks<Buffer::kBlockBytes, 32> large_blocks;

char* Allocate(size_t bytes) {
  if (char* kept = small_blocks.Take(bytes)) return kept;
  if (char* kept = large_blocks.Take(bytes)) return kept;
  void* block = std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return static_cast<char*>(block);
}

}  // namespace

void Buffer::Free() {
  if (block_ == nullptr) return;
  if (!small_blocks.Keep(block_, capacity_) && !large_blocks.Keep(block_, capacity_)) std::free(block_);
  block_ = nullptr;
  brimful_ = false;
  capacity_ = begin_ = end_ = 0;
}

void Buffer::Reserve(size_t capacity) {
  char* larger = Allocate(capacity);
  const size_t held = size();
  if (held > 0) std::memcpy(larger, block_ + begin_, held);
  Free();
  block_ = larger;
  capacity_ = capacity;
  begin_ = 0;
  end_ = held;
}

std::span<char> Buffer::Space(size_t limit) {
  if (capacity_ == 0) Reserve(kFirstBytes);
  if (brimful_ && empty() && capacity_ < kBlockBytes) {
    Free();
    Reserve(kBlockBytes);
  }
  if (end_ == capacity_ && begin_ > 0) {
    std::memmove(block_, block_ + begin_, size());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_ && capacity_ < limit) Reserve(capacity_ * 2);
  return {block_ + end_, capacity_ - end_};
}

void Buffer::Append(std::string_view bytes) {
  if (capacity_ - end_ < bytes.size()) {
    size_t capacity = capacity_ == 0 ? kFirstBytes : capacity_;
    while (capacity - size() < bytes.size()) capacity *= 2;
    Reserve(capacity);
  }
  if (!bytes.empty()) std::memcpy(block_ + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

}  // namespace tulle::io
