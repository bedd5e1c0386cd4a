#include "lib/io/buffer.h"

#include <cstdlib>
#include <new>

namespace tulle::io {
namespace {

constexpr size_t kKeptBlocks = 32;

struct FreeBlocks {
  char* blocks[kKeptBlocks];
  size_t count = 0;
  ~FreeBlocks() {
    while (count > 0) std::free(blocks[--count]);
  }
};

thread_local FreeBlocks free_blocks;

char* Allocate(size_t bytes) {
  if (bytes == Buffer::kBlockBytes && free_blocks.count > 0) return free_blocks.blocks[--free_blocks.count];
  void* block = std::malloc(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return static_cast<char*>(block);
}

}  // namespace

void Buffer::Free() {
  if (block_ == nullptr) return;
  if (capacity_ == kBlockBytes && free_blocks.count < kKeptBlocks) {
    free_blocks.blocks[free_blocks.count++] = block_;
  } else {
    std::free(block_);
  }
  block_ = nullptr;
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
  if (capacity_ == 0) Reserve(kBlockBytes);
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
    size_t capacity = capacity_ == 0 ? kBlockBytes : capacity_;
    while (capacity - size() < bytes.size()) capacity *= 2;
    Reserve(capacity);
  }
  if (!bytes.empty()) std::memcpy(block_ + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

}  // namespace tulle::io
