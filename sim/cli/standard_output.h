#pragma once

#include <array>
#include <streambuf>

namespace cleave {

/// Where std::cout writes to from now on: the standard output, with an InputError at once where
/// that does not take it all.
class StandardOutput : public std::streambuf {
 public:
  StandardOutput();

 protected:
  int_type overflow(int_type character) override;
  int sync() override;

 private:
  void write_out();

  std::array<char, 1 << 16> buffer_{};
};

/// Puts something harmless where the caller has closed a standard stream, so that no file of ours
/// is ever taken for one. Reading and writing them fails as before.
void fill_closed_streams();

}  // namespace cleave
