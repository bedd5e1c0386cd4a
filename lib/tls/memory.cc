#include "lib/tls/memory.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace tulle::tls {
namespace {

// Free blocks by size: small ones in steps of 16 bytes, large ones (record buffers) in steps of 4 KiB. A
// block may be freed on another thread than the one that allocated it, and stays there.
constexpr size_t kSmallStep = 16;
constexpr size_t kSmallClasses = 65;  // up to 1 KiB
constexpr size_t kSmallKept = 64;
constexpr size_t kLargeStep = 4096;
constexpr size_t kLargeClasses = 10;  // up to 36 KiB
constexpr size_t kLargeKept = 8;

struct alignas(16) Header {
  size_t room;  // bytes behind the header
};

struct FreeList {
  struct Node {
    Node* next;
  };
  Node* head = nullptr;
  size_t kept = 0;
};

struct FreeLists {
  std::array<FreeList, kSmallClasses + kLargeClasses> lists;
  bool gone = false;
  ~FreeLists() {
    for (FreeList& list : lists) {
      while (list.head != nullptr)
        std::free(reinterpret_cast<Header*>(std::exchange(list.head, list.head->next)) - 1);
    }
    gone = true;  // OpenSSL still frees things after this when a thread ends
  }
};

thread_local FreeLists free_lists;

size_t ClassOf(size_t bytes) {
  if (bytes <= (kSmallClasses - 1) * kSmallStep) return (bytes + kSmallStep - 1) / kSmallStep;
  return kSmallClasses + std::min((bytes + kLargeStep - 1) / kLargeStep, kLargeClasses);
}

size_t RoomOf(size_t size_class, size_t bytes) {
  if (size_class < kSmallClasses) return size_class * kSmallStep;
  return size_class < kSmallClasses + kLargeClasses ? (size_class - kSmallClasses) * kLargeStep : bytes;
}

FreeList* ListOf(size_t room) {
  const size_t size_class = ClassOf(room);
  return size_class < free_lists.lists.size() && !free_lists.gone ? &free_lists.lists[size_class] : nullptr;
}

[[maybe_unused]] void* Allocate(size_t bytes, const char*, int) {
  if (bytes == 0) return nullptr;
  const size_t room = RoomOf(ClassOf(bytes), bytes);
  FreeList* list = ListOf(room);
  if (list != nullptr && list->head != nullptr) {
    --list->kept;
    return std::exchange(list->head, list->head->next);
  }
  auto* header = static_cast<Header*>(std::malloc(sizeof(Header) + room));
  if (header == nullptr) return nullptr;
  header->room = room;
  return header + 1;
}

[[maybe_unused]] void Free(void* block, const char*, int) {
  if (block == nullptr) return;
  Header* header = static_cast<Header*>(block) - 1;
  FreeList* list = ListOf(header->room);
  const size_t most = header->room < kLargeStep ? kSmallKept : kLargeKept;
  if (list == nullptr || list->kept >= most) {
    std::free(header);
    return;
  }
  auto* node = static_cast<FreeList::Node*>(block);
  node->next = std::exchange(list->head, node);
  ++list->kept;
}

[[maybe_unused]] void* Reallocate(void* block, size_t bytes, const char* file, int line) {
  if (block == nullptr) return Allocate(bytes, file, line);
  if (bytes == 0) {
    Free(block, file, line);
    return nullptr;
  }
  const size_t room = (static_cast<Header*>(block) - 1)->room;
  if (bytes <= room) return block;
  void* larger = Allocate(bytes, file, line);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, room);
  Free(block, file, line);
  return larger;
}

}  // namespace

void Prepare() {
#ifndef __SANITIZE_ADDRESS__  // which has to see every block come and go
  CRYPTO_set_mem_functions(&Allocate, &Reallocate, &Free);
#endif
  OPENSSL_init_ssl(
      OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_NO_LOAD_SSL_STRINGS,
      nullptr);
}

}  // namespace tulle::tls
