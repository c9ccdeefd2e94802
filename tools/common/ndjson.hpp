#ifndef LOKISHIP_TOOLS_COMMON_NDJSON_HPP
#define LOKISHIP_TOOLS_COMMON_NDJSON_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/error.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/rejection.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace lokiship::tools {

/// An entry as a line of NDJSON: `{"labels":{…},"ts":"<ns>","line":"…"}` and a line break.
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

/// Reads what `to_ndjson` wrote of rejections; `name` stands for the text in messages. An error names the line and what
/// is wrong with it.
result<std::vector<rejected_entry>> parse_rejects(std::string_view text, const std::string& name);

/// The same of a file. Throws `wrong_use_error`.
std::vector<rejected_entry> read_rejects(const std::string& path);

} // namespace lokiship::tools

#endif
