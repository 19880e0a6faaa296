#include "traces/lenient_reader.h"

#include "sim/base/error.h"

namespace cleave {

bool LenientReader::next(Request& request) {
  std::string last_error;
  while (true) {
    try {
      return reader_->next(request);
    } catch (const InputError& error) {
      // Said again, it is no line that is wrong but the file: it holds no request.
      if (error.what() == last_error) throw;
      last_error = error.what();
      if (skipped_++ == 0) first_error_ = last_error;
    }
  }
}

}  // namespace cleave
