// Preloaded into a program, counts what its threads ask of the heap and of the kernel, in a file that others
// map: TULLE_COUNTS names it. Nothing is changed, everything is passed on. On request it also notes the call
// stacks; the reader of both is counts.py beside this file, which has the same layout.

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>

// The C library's own names of these: dlsym() would allocate before it could find them.
extern "C" {
void* __libc_malloc(size_t bytes);
void* __libc_calloc(size_t count, size_t bytes);
void* __libc_realloc(void* old, size_t bytes);
void* __libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void* block);
}

namespace {

enum Kind : uint32_t {
  kMalloc,
  kCalloc,
  kRealloc,
  kAligned,
  kFree,
  kRecv,
  kSend,
  kRecvmsg,
  kSendmsg,
  kRead,
  kWrite,
  kReadv,
  kWritev,
  kEpollWait,
  kEpollCtl,
  kAccept,
  kSocket,
  kConnect,
  kClose,
  kShutdown,
  kSetsockopt,
  kGetsockopt,
  kKinds
};
constexpr const char* kNames[] = {"malloc", "calloc",     "realloc",    "aligned",   "free",   "recv",
                                  "send",   "recvmsg",    "sendmsg",    "read",      "write",  "readv",
                                  "writev", "epoll_wait", "epoll_ctl",  "accept",    "socket", "connect",
                                  "close",  "shutdown",   "setsockopt", "getsockopt"};
static_assert(std::size(kNames) == kKinds);
constexpr Kind kFirstOfKernel = kRecv;

struct Slot {
  char name[16];
  std::atomic<uint64_t> data_plane;  // threads that have accepted a connection
  std::atomic<uint64_t> elsewhere;
};

struct Trace {
  uint32_t kind;
  uint32_t depth;
  uint64_t bytes;
  const void* block;
  void* frames[30];
};

constexpr size_t kTraces = 200000;

struct Area {
  uint64_t kinds;
  std::atomic<uint32_t> trace_heap;  // written by the reader: which stacks it wants
  std::atomic<uint32_t> trace_kernel;
  std::atomic<uint64_t> traced;
  Slot slots[kKinds];
  Trace traces[kTraces];
};

Area* area = nullptr;

// Threads are here before any library is loaded later, so this needs no allocation of its own.
__attribute__((tls_model("initial-exec"))) thread_local bool of_data_plane = false;
__attribute__((tls_model("initial-exec"))) thread_local bool tracing = false;

void Note(Kind kind, size_t bytes, const void* block) {
  const auto& wanted = kind < kFirstOfKernel ? area->trace_heap : area->trace_kernel;
  if (wanted.load(std::memory_order_relaxed) == 0 || tracing) return;
  const uint64_t index = area->traced.fetch_add(1);
  if (index >= kTraces) return;
  tracing = true;
  Trace& trace = area->traces[index];
  trace.kind = kind;
  trace.bytes = bytes;
  trace.block = block;
  trace.depth = kind == kFree ? 0 : static_cast<uint32_t>(backtrace(trace.frames, std::size(trace.frames)));
  tracing = false;
}

void Count(Kind kind, size_t bytes = 0, const void* block = nullptr) {
  if (area == nullptr) return;
  Slot& slot = area->slots[kind];
  (of_data_plane ? slot.data_plane : slot.elsewhere).fetch_add(1, std::memory_order_relaxed);
  if (of_data_plane) Note(kind, bytes, block);
}

void* Counted(Kind kind, size_t bytes, void* block) {
  Count(kind, bytes, block);
  return block;
}

__attribute__((constructor)) void Map() {
  const char* path = std::getenv("TULLE_COUNTS");
  if (path == nullptr) return;
  void* warm_up[1];
  backtrace(warm_up, 1);  // loads libgcc the first time
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0 || ftruncate(fd, sizeof(Area)) != 0) std::abort();
  void* mapped = mmap(nullptr, sizeof(Area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) std::abort();
  auto* made = static_cast<Area*>(mapped);
  for (size_t i = 0; i < kKinds; ++i)
    std::strncpy(made->slots[i].name, kNames[i], sizeof made->slots[i].name - 1);
  made->kinds = kKinds;
  area = made;
}

}  // namespace

extern "C" {

void* malloc(size_t bytes) noexcept { return Counted(kMalloc, bytes, __libc_malloc(bytes)); }

void* calloc(size_t count, size_t bytes) noexcept {
  return Counted(kCalloc, count * bytes, __libc_calloc(count, bytes));
}

void* realloc(void* old, size_t bytes) noexcept {
  if (old != nullptr) Count(kFree, 0, old);
  return Counted(kRealloc, bytes, __libc_realloc(old, bytes));
}

void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  return Counted(kAligned, bytes, __libc_memalign(alignment, bytes));
}

int posix_memalign(void** out, size_t alignment, size_t bytes) noexcept {
  void* made = aligned_alloc(alignment, bytes);
  if (made == nullptr) return ENOMEM;
  *out = made;
  return 0;
}

void free(void* block) noexcept {
  if (block != nullptr) Count(kFree, 0, block);
  __libc_free(block);
}

// One line per function of the C library that enters the kernel.
#define PASS_ON(kind, type, name, parameters, arguments)                                 \
  type name parameters {                                                                 \
    static const auto next = reinterpret_cast<decltype(&name)>(dlsym(RTLD_NEXT, #name)); \
    Count(kind);                                                                         \
    return next arguments;                                                               \
  }

PASS_ON(kRecv, ssize_t, recv, (int fd, void* into, size_t bytes, int flags), (fd, into, bytes, flags))
PASS_ON(kSend, ssize_t, send, (int fd, const void* from, size_t bytes, int flags), (fd, from, bytes, flags))
PASS_ON(kRecvmsg, ssize_t, recvmsg, (int fd, msghdr* message, int flags), (fd, message, flags))
PASS_ON(kSendmsg, ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))
PASS_ON(kRead, ssize_t, read, (int fd, void* into, size_t bytes), (fd, into, bytes))
PASS_ON(kWrite, ssize_t, write, (int fd, const void* from, size_t bytes), (fd, from, bytes))
PASS_ON(kReadv, ssize_t, readv, (int fd, const iovec* into, int count), (fd, into, count))
PASS_ON(kWritev, ssize_t, writev, (int fd, const iovec* from, int count), (fd, from, count))
PASS_ON(kEpollWait, int, epoll_wait, (int fd, epoll_event* events, int most, int wait),
        (fd, events, most, wait))
PASS_ON(kEpollCtl, int, epoll_ctl, (int fd, int what, int about, epoll_event* event) noexcept,
        (fd, what, about, event))
PASS_ON(kSocket, int, socket, (int domain, int type, int protocol) noexcept, (domain, type, protocol))
PASS_ON(kConnect, int, connect, (int fd, const sockaddr* to, socklen_t length), (fd, to, length))
PASS_ON(kClose, int, close, (int fd), (fd))
PASS_ON(kShutdown, int, shutdown, (int fd, int how) noexcept, (fd, how))
PASS_ON(kSetsockopt, int, setsockopt,
        (int fd, int level, int name, const void* value, socklen_t length) noexcept,
        (fd, level, name, value, length))
PASS_ON(kGetsockopt, int, getsockopt, (int fd, int level, int name, void* value, socklen_t* length) noexcept,
        (fd, level, name, value, length))

int accept4(int fd, sockaddr* from, socklen_t* length, int flags) {
  static const auto next = reinterpret_cast<decltype(&accept4)>(dlsym(RTLD_NEXT, "accept4"));
  const int accepted = next(fd, from, length, flags);
  if (accepted >= 0) of_data_plane = true;
  Count(kAccept);
  return accepted;
}

}  // extern "C"
