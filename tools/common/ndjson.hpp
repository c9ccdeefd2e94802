#ifndef LOKISHIP_TOOLS_COMMON_NDJSON_HPP
#define LOKISHIP_TOOLS_COMMON_NDJSON_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/error.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/rejection.hpp>

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace lokiship::tools {

/// An entry as a line of NDJSON: `{"labels":{…},"ts":"<ns>","line":"…"}` and a line break; where it has structured metadata,
/// that is `"structured_metadata":{…}` behind the labels.
std::string to_ndjson(const loki::labels& labels, const loki::entry& entry);

/// A rejected entry as a line of NDJSON, from which it can be shipped again: the same with `"reason"`, `"execution_id"`
/// and `"step"` in front.
std::string to_ndjson(const ship::rejection& r);

/// An entry that was rejected before.
struct rejected_entry {
    loki::labels labels;
    loki::entry entry;
    aoss::step_key key;
};

/// Reads what `to_ndjson` wrote of rejections, line by line, each into `take`; `name` stands for the text in messages. An
/// error names the line and what is wrong with it.
result<void> parse_rejects(std::istream& in, const std::string& name,
                           const std::function<void(const rejected_entry&)>& take);

/// The same of a file. Throws `wrong_use_error`.
void read_rejects(const std::string& path, const std::function<void(const rejected_entry&)>& take);

} // namespace lokiship::tools

#endif
