#include "lib/io/frame_pool.h"

#include <array>
#include <cstdlib>
#include <new>

namespace tulle::io {
namespace {

constexpr size_t kClassBytes = 128;
constexpr size_t kClasses = 24;  // frames up to 3 KiB
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kKeptBytes = 0;  // it sees the use of a frame after its end only when the frame is freed
#else
constexpr size_t kKeptBytes = 1 << 20;  // of a thread, over all classes
#endif

struct FreeFrames {
  struct Node {
    Node* next;
  };
  std::array<Node*, kClasses> heads{};
  size_t kept_bytes = 0;

  ~FreeFrames() {
    for (Node*& head : heads) {
      while (head != nullptr) {
        Node* next = head->next;
        std::free(head);
        head = next;
      }
    }
  }
};

thread_local FreeFrames free_frames;

}  // namespace

void* AllocateFrame(size_t bytes) {
  const size_t size_class = (bytes + kClassBytes - 1) / kClassBytes;
  if (size_class < kClasses && free_frames.heads[size_class] != nullptr) {
    FreeFrames::Node* node = free_frames.heads[size_class];
    free_frames.heads[size_class] = node->next;
    free_frames.kept_bytes -= size_class * kClassBytes;
    return node;
  }
  void* frame = std::malloc(size_class * kClassBytes);
  if (frame == nullptr) throw std::bad_alloc();
  return frame;
}

void FreeFrame(void* frame, size_t bytes) noexcept {
  const size_t size_class = (bytes + kClassBytes - 1) / kClassBytes;
  if (size_class >= kClasses || free_frames.kept_bytes >= kKeptBytes) {
    std::free(frame);
    return;
  }
  auto* node = static_cast<FreeFrames::Node*>(frame);
  node->next = free_frames.heads[size_class];
  free_frames.heads[size_class] = node;
  free_frames.kept_bytes += size_class * kClassBytes;
}

}  // namespace tulle::io
