#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace cleave {

/// a < b, or `then` where they are equal. Without a branch: which of two comes first in a heap is
/// as good as chance, which no processor foresees.
template <class T>
constexpr bool less_or(const T& a, const T& b, bool then) {
  return static_cast<bool>(static_cast<unsigned>(a < b) |
                           (static_cast<unsigned>(a == b) & static_cast<unsigned>(then)));
}

/// A binary min-heap of (key, id) from which any id can be removed or given another key in O(log
/// n). Where each id stands is kept in a vector that several heaps may share, as long as an id is
/// in one of them at a time; it must be as long as the largest id.
template <class Key>
class IndexedHeap {
 public:
  using Positions = std::vector<std::uint32_t>;
  struct Entry {
    Key key;
    std::uint32_t id;
  };

  explicit IndexedHeap(Positions& positions) : positions_(&positions) {}

  bool empty() const { return heap_.empty(); }
  std::size_t size() const { return heap_.size(); }
  const Entry& top() const { return heap_.front(); }
  const std::vector<Entry>& entries() const { return heap_; }

  void push(Key key, std::uint32_t id) {
    heap_.push_back({std::move(key), id});
    rise(heap_.size() - 1);
  }

  void pop() { erase_at(0); }
  void erase(std::uint32_t id) { erase_at((*positions_)[id]); }

  void update(Key key, std::uint32_t id) {
    const std::size_t at = (*positions_)[id];
    heap_[at].key = std::move(key);
    if (!rise(at)) sink(at);
  }

  const Key& key_of(std::uint32_t id) const { return heap_[(*positions_)[id]].key; }

 private:
  void place(std::size_t at, Entry entry) {
    (*positions_)[entry.id] = static_cast<std::uint32_t>(at);
    heap_[at] = std::move(entry);
  }

  bool rise(std::size_t at) {
    Entry entry = std::move(heap_[at]);
    const std::size_t start = at;
    while (at > 0) {
      const std::size_t parent = (at - 1) / 2;
      if (!(entry.key < heap_[parent].key)) break;
      place(at, std::move(heap_[parent]));
      at = parent;
    }
    place(at, std::move(entry));
    return at != start;
  }

  void sink(std::size_t at) {
    Entry entry = std::move(heap_[at]);
    const std::size_t size = heap_.size();
    for (std::size_t child = 2 * at + 1; child < size; child = 2 * at + 1) {
      const std::size_t right = std::min(child + 1, size - 1);
      child += static_cast<std::size_t>(heap_[right].key < heap_[child].key);
      if (!(heap_[child].key < entry.key)) break;
      place(at, std::move(heap_[child]));
      at = child;
    }
    place(at, std::move(entry));
  }

  void erase_at(std::size_t at) {
    Entry last = std::move(heap_.back());
    heap_.pop_back();
    if (at == heap_.size()) return;
    place(at, std::move(last));
    if (!rise(at)) sink(at);
  }

  std::vector<Entry> heap_;
  Positions* positions_;
};

}  // namespace cleave
