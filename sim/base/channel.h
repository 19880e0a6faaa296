#pragma once

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace cleave {

/// The other side of a Channel has gone.
class ChannelClosed : public std::runtime_error {
 public:
  ChannelClosed() : std::runtime_error("the other process has gone") {}
};

/// Values to and from a process of the same program, over a socket, as the bytes that they are.
/// Throws ChannelClosed.
class Channel {
 public:
  /// Owns the socket from now on.
  explicit Channel(int socket) : socket_(socket) {}
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// What is put leaves with flush(), or before.
  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(&value, sizeof value);
  }
  void put(const std::string& text) { put_all(text); }
  template <class T>
  void put(const std::vector<T>& list) {
    static_assert(std::is_trivially_copyable_v<T>);
    put_all(list);
  }
  void flush();

  /// Waits for the next value, which must be what the other side has put.
  template <class T>
  void take(T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    read(&value, sizeof value);
  }
  void take(std::string& text) { take_all(text); }
  template <class T>
  void take(std::vector<T>& list) {
    take_all(list);
  }
  template <class T>
  T take() {
    T value{};
    take(value);
    return value;
  }

 private:
  static constexpr std::size_t kBlock = 1 << 16;

  template <class List>
  void put_all(const List& list) {
    put(list.size());
    append(list.data(), list.size() * sizeof(*list.data()));
  }
  template <class List>
  void take_all(List& list) {
    list.resize(take<std::size_t>());
    read(list.data(), list.size() * sizeof(*list.data()));
  }
  void append(const void* bytes, std::size_t count);
  void read(void* bytes, std::size_t count);

  int socket_;
  std::string out_;
  std::array<char, kBlock> in_{};
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
};

}  // namespace cleave
