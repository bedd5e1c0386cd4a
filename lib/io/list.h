#pragma once

namespace tulle::io {

// A member of at most one List at a time; leaves it by itself when it is destroyed.
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { Unlink(); }

  bool linked() const { return next_ != nullptr; }
  void Unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <class T>
  friend class List;
  ListHook* prev_ = nullptr;
  ListHook* next_ = nullptr;
};

// A doubly linked list of objects that it does not own; T derives from ListHook. Objects still linked when
// the list is destroyed are unlinked.
template <class T>
class List {
 public:
  List() { root_.prev_ = root_.next_ = &root_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) front().ListHook::Unlink();
    root_.prev_ = root_.next_ = nullptr;
  }

  bool empty() const { return root_.next_ == &root_; }
  T& front() { return static_cast<T&>(*root_.next_); }
  T& back() { return static_cast<T&>(*root_.prev_); }

  // Moves `item` to the end, out of whatever list it was in.
  void PushBack(T& item) {
    ListHook& hook = item;
    hook.Unlink();
    hook.prev_ = root_.prev_;
    hook.next_ = &root_;
    root_.prev_->next_ = &hook;
    root_.prev_ = &hook;
  }

  T* PopFront() {
    if (empty()) return nullptr;
    T& item = front();
    item.ListHook::Unlink();
    return &item;
  }

  // Moves everything from `other` to the end of this.
  void Splice(List& other) {
    while (T* item = other.PopFront()) PushBack(*item);
  }

  template <class Visit>
  void ForEach(Visit visit) {
    for (ListHook* hook = root_.next_; hook != &root_;) {
      ListHook* next = hook->next_;
      visit(static_cast<T&>(*hook));
      hook = next;
    }
  }

 private:
  ListHook root_;
};

}  // namespace tulle::io
