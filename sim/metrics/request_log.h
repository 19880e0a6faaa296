#pragma once

#include <fstream>
#include <string>

#include "sim/core/observer.h"
#include "sim/metrics/figure.h"

namespace cleave {

/// Writes requests.csv, a line for each request as it leaves the cluster.
class RequestLog : public Observer {
 public:
  explicit RequestLog(const std::string& file);
  void finished(const FinishedRequest& request) override { write(request, "completed"); }
  void rejected(const FinishedRequest& request, double) override { write(request, "rejected"); }
  void unfinished(const FinishedRequest& request) override { write(request, "unfinished"); }
  /// Ends the file. Throws InputError if the disk did not take everything.
  void close();

  struct Line;
  static const FigureTable<Line>& columns();

 private:
  void write(const FinishedRequest& request, const char* outcome);
  void flush();

  std::string file_;
  std::ofstream out_;
  std::string buffer_;
};

}  // namespace cleave
