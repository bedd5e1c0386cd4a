#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tulle::control::ca {

// A few threads for work that blocks, behind a bounded queue. Its destructor drops what is queued and waits
// for what runs.
class Pool {
 public:
  Pool(size_t threads, size_t longest_queue);
  ~Pool();

  // False when the queue is full: the caller says so to its own caller.
  bool Submit(std::function<void()> work);

 private:
  void Run();

  const size_t longest_queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tulle::control::ca
