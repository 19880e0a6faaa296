#pragma once

#include <cstdint>
#include <vector>

#include "sim/core/ids.h"

namespace cleave {

/// One link of an intrusive list of requests.
struct RequestLink {
  RequestId before = kNoRequest;
  RequestId after = kNoRequest;
};

/// An intrusive list of requests over a vector of links; a request is in one list of a vector at
/// most.
class RequestList {
 public:
  explicit RequestList(std::vector<RequestLink>& links) : links_(&links) {}

  bool empty() const { return first_ == kNoRequest; }
  std::uint32_t size() const { return size_; }
  RequestId first() const { return first_; }
  RequestId last() const { return last_; }
  RequestId after(RequestId request) const { return (*links_)[request].after; }
  RequestId before(RequestId request) const { return (*links_)[request].before; }

  void push_back(RequestId request) { insert_between(last_, request, kNoRequest); }
  void push_front(RequestId request) { insert_between(kNoRequest, request, first_); }
  /// Behind the last where `after` is kNoRequest.
  void insert_before(RequestId after, RequestId request) {
    insert_between(after == kNoRequest ? last_ : before(after), request, after);
  }

  void erase(RequestId request) {
    const RequestLink link = (*links_)[request];
    (link.before == kNoRequest ? first_ : (*links_)[link.before].after) = link.after;
    (link.after == kNoRequest ? last_ : (*links_)[link.after].before) = link.before;
    --size_;
  }
  void clear() { *this = RequestList(*links_); }

  /// Puts all of `other` behind this list and leaves it empty.
  void append(RequestList& other) {
    if (other.empty()) return;
    if (empty()) {
      first_ = other.first_;
    } else {
      (*links_)[last_].after = other.first_;
      (*links_)[other.first_].before = last_;
    }
    last_ = other.last_;
    size_ += other.size_;
    other.clear();
  }

 private:
  void insert_between(RequestId before, RequestId request, RequestId after) {
    (*links_)[request] = {before, after};
    (before == kNoRequest ? first_ : (*links_)[before].after) = request;
    (after == kNoRequest ? last_ : (*links_)[after].before) = request;
    ++size_;
  }

  std::vector<RequestLink>* links_;
  RequestId first_ = kNoRequest;
  RequestId last_ = kNoRequest;
  std::uint32_t size_ = 0;
};

}  // namespace cleave
