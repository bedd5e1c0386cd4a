#include "lib/io/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace tulle::io {

struct Loop::Root {
  struct promise_type : RootHook {
    promise_type(Loop& loop, Task<void>&) : loop_(loop) {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      loop.roots_.PushBack(*this);
      ++loop.spawned_;
    }
    ~promise_type() { --loop_.spawned_; }

    static void* operator new(size_t bytes) { return AllocateFrame(bytes); }
    static void operator delete(void* frame, size_t bytes) noexcept { FreeFrame(frame, bytes); }

    Root get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    Loop& loop_;
  };
};

Loop::Root Loop::Drive(Loop&, Task<void> task) { co_await std::move(task); }

Loop::Loop() : now_(Clock::now()), scratch_(std::make_unique_for_overwrite<char[]>(kScratchBytes)) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wakeup_.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (epoll_ < 0 || wakeup_.fd < 0) throw std::system_error(errno, std::generic_category(), "event loop");
  Watch(wakeup_.fd, &wakeup_);
}

void Loop::DestroySpawned() {
  while (!roots_.empty()) roots_.front().handle.destroy();
}

Loop::~Loop() {
  DestroySpawned();
  close(wakeup_.fd);
  close(epoll_);
}

void Loop::Run() {
  while (!stopping_) Turn();
  stopping_ = false;
}

void Loop::Stop() {
  Post([this] { stopping_ = true; });
}

void Loop::Post(std::function<void()> call) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(call));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wakeup_.fd, &one, sizeof one);
}

void Loop::Wakeup::OnEvents(uint32_t) {
  uint64_t count;
  [[maybe_unused]] const ssize_t got = read(fd, &count, sizeof count);
}

void Loop::Spawn(Task<void> task) { Drive(*this, std::move(task)); }

void Loop::Watch(int fd, Watcher* watcher) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = watcher;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  }
}

void Loop::Unwatch(int fd, Watcher* watcher) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = event_next_; i < event_count_; ++i) {
    if (events_[i].data.ptr == watcher) events_[i].data.ptr = nullptr;
  }
}

void Loop::Turn() {
  event_count_ = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), WaitMilliseconds());
  if (event_count_ < 0) event_count_ = 0;
  now_ = Clock::now();
  for (event_next_ = 0; event_next_ < event_count_;) {
    const epoll_event& event = events_[event_next_++];
    if (event.data.ptr != nullptr) static_cast<Watcher*>(event.data.ptr)->OnEvents(event.events);
  }
  ready_.Splice(next_);
  RunTimers();
  RunPosted();
  RunReady();
  while (!end_of_turn_.empty()) {
    while (TurnHook* hook = end_of_turn_.PopFront()) hook->OnEndOfTurn();
    RunReady();
  }
}

// What becomes ready while the list runs has its turn as well, for some rounds only, so that no pair of
// coroutines can starve the sockets.
void Loop::RunReady() {
  for (int round = 0; round < kReadyRounds && !ready_.empty(); ++round) {
    List<Waiter> batch;
    batch.Splice(ready_);
    while (Waiter* waiter = batch.PopFront()) {
      if (waiter->Poll()) waiter->handle_.resume();
    }
  }
}

void Loop::RunPosted() {
  std::vector<std::function<void()>> calls;
  {
    std::lock_guard lock(posted_mutex_);
    calls.swap(posted_);
  }
  for (auto& call : calls) call();
}

int Loop::WaitMilliseconds() const {
  if (stopping_ || !ready_.empty() || !next_.empty()) return 0;
  if (timers_.empty()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.front()->when_ - Clock::now()).count();
  if (left <= 0) return 0;
  return left > 60000 ? 60000 : static_cast<int>(left);
}

void Loop::RunTimers() {
  while (!timers_.empty() && timers_.front()->when_ <= now_) {
    Timer* timer = timers_.front();
    timer->Cancel();
    timer->OnTimer();
  }
}

void Loop::Place(size_t index, Timer* timer) {
  timers_[index] = timer;
  timer->index_ = index;
}

void Loop::SiftUp(size_t index) {
  Timer* timer = timers_[index];
  while (index > 0) {
    const size_t parent = (index - 1) / 2;
    if (timers_[parent]->when_ <= timer->when_) break;
    Place(index, timers_[parent]);
    index = parent;
  }
  Place(index, timer);
}

void Loop::SiftDown(size_t index) {
  Timer* timer = timers_[index];
  for (;;) {
    size_t child = 2 * index + 1;
    if (child >= timers_.size()) break;
    if (child + 1 < timers_.size() && timers_[child + 1]->when_ < timers_[child]->when_) ++child;
    if (timer->when_ <= timers_[child]->when_) break;
    Place(index, timers_[child]);
    index = child;
  }
  Place(index, timer);
}

void Timer::Schedule(TimePoint when) {
  if (!scheduled()) {
    loop_.timers_.push_back(this);
    index_ = loop_.timers_.size() - 1;
  }
  when_ = when;
  loop_.SiftUp(index_);
  loop_.SiftDown(index_);
}

void Timer::Cancel() {
  if (!scheduled()) return;
  const size_t hole = index_;
  index_ = kNotScheduled;
  Timer* last = loop_.timers_.back();
  loop_.timers_.pop_back();
  if (last == this) return;
  loop_.Place(hole, last);
  loop_.SiftUp(hole);
  loop_.SiftDown(last->index_);
}

}  // namespace tulle::io
