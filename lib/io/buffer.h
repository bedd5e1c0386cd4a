#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace tulle::io {

// Bytes that were read and not yet used, in one contiguous block. Blocks come from per-thread free lists and
// go back when the buffer is empty and Release() is called, so an idle connection holds none. A buffer begins
// with a small block; one that is filled to the brim gets a larger one, up to the limit of its reader.
class Buffer {
 public:
  static constexpr size_t kFirstBytes = 4 << 10;
  static constexpr size_t kBlockBytes = 16 << 10;
  static constexpr size_t kBulkBytes = 64 << 10;  // for whoever moves much

  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(capacity_, other.capacity_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
    std::swap(brimful_, other.brimful_);
    return *this;
  }
  ~Buffer() { Free(); }

  std::string_view view() const { return {block_ + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return capacity_; }

  // Where the next bytes may be written: at least one byte unless size() has reached `limit`. Moves what is
  // held to the front, and grows the block up to `limit` when it is full. Views taken before are invalid
  // after.
  std::span<char> Space(size_t limit = kBlockBytes);
  void Commit(size_t bytes) {
    end_ += bytes;
    brimful_ = end_ == capacity_;
  }
  void Consume(size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void Append(std::string_view bytes);

  // Gives the block back when nothing is held.
  void Release() {
    if (empty()) Free();
  }
  void Clear() { begin_ = end_ = 0; }

 private:
  void Free();
  void Reserve(size_t capacity);

  char* block_ = nullptr;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool brimful_ = false;  // the last read took all the space there was
};

}  // namespace tulle::io
