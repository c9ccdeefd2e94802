// Bodies of pushes, made without the library's own encoders.
#ifndef LOKISHIP_TESTS_CONFORMANCE_BODIES_HPP
#define LOKISHIP_TESTS_CONFORMANCE_BODIES_HPP

#include <lokiship/text/timestamp.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::conformance {

using label_map = std::map<std::string, std::string>;

struct entry {
    timestamp time{};
    std::string line{};
    std::vector<std::pair<std::string, std::string>> metadata{};
};

struct stream {
    label_map labels{};
    std::vector<entry> entries{};
};

std::string json_string(const std::string& text);
std::string json(const std::vector<stream>& streams);
/// With the labels as a text of the caller's.
std::string protobuf(const std::vector<std::pair<std::string, std::vector<entry>>>& streams);
/// `{a="1", b="2"}`.
std::string label_text(const label_map& labels);

/// Compressed formats that hold their input as it is.
std::string snappy_block(const std::string& plain);
std::string deflate(const std::string& plain);
std::string gzip(const std::string& plain);

} // namespace lokiship::conformance

#endif
