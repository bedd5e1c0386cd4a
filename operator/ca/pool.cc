#include "operator/ca/pool.h"

namespace tulle::control::ca {

Pool::Pool(size_t threads, size_t longest_queue) : longest_queue_(longest_queue) {
  for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    queue_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Pool::Submit(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (stop_ || queue_.size() >= longest_queue_) return false;
  queue_.push_back(std::move(work));
  changed_.notify_one();
  return true;
}

void Pool::Run() {
  while (true) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace tulle::control::ca
