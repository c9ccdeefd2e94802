#include "common/ndjson.hpp"

#include "common/settings.hpp"

#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/text/escape.hpp>
#include <lokiship/text/utf8.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <istream>
#include <utility>

namespace lokiship::tools {

namespace {

/// Of structured metadata, by default; a little less than Loki's 64 KiB, for what the spool needs.
constexpr std::size_t most_labels = 128, most_metadata_bytes = 64 * 1024 - 1024;

/// A JSON string that a terminal shows as it is.
void append_shown_string(std::string& out, std::string_view text) {
    std::string quoted;
    loki::append_json_string(quoted, text);
    for (std::string_view rest = quoted; !rest.empty();) {
        const auto step = text::detail::next_utf8(rest);
        const auto point = rest.substr(0, step.size);
        rest.remove_prefix(step.size);
        const char32_t c = step.valid ? text::detail::decode_utf8(point) : U' ';
        if (c != 0x7f && !text::is_control_beyond_ascii(c)) {
            out += point;
            continue;
        }
        out += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4)
            out += "0123456789abcdef"[c >> shift & 15];
    }
}

void append_labels(std::string& out, std::string_view name, const loki::labels& labels) {
    out += '"' + std::string(name) + R"(":{)";
    for (const auto& l : labels) {
        if (out.back() != '{')
            out += ',';
        append_shown_string(out, l.name);
        out += ':';
        append_shown_string(out, l.value);
    }
    out += "},";
}

void append_entry(std::string& out, const loki::labels& labels, const loki::entry& entry) {
    append_labels(out, "labels", labels);
    if (!entry.metadata.empty())
        append_labels(out, "structured_metadata", entry.metadata);
    out += R"("ts":")" + std::to_string(text::to_unix_nanoseconds(entry.time)) + R"(","line":)";
    append_shown_string(out, entry.line);
    out += "}\n";
}

/// The labels of an object of strings; false where one is none.
bool read_labels(const boost::json::object& from, loki::labels& out) {
    for (const auto& [name, value] : from) {
        if (!value.is_string())
            return false;
        out.set({name.data(), name.size()}, std::string_view(value.get_string()));
    }
    return true;
}

/// Whether Loki can take these as structured metadata, and the spool can hold them.
bool is_metadata(const loki::labels& labels) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto is_name = [&](std::string_view name) {
        return std::all_of(name.begin(), name.end(),
                           [&](char c) { return is_letter(c) || c == '_' || (c >= '0' && c <= '9'); }) &&
               std::any_of(name.begin(), name.end(), is_letter);
    };
    return std::all_of(labels.begin(), labels.end(), [&](const loki::label& l) { return is_name(l.name); }) &&
           labels.size() <= most_labels && loki::metadata_bytes(labels) <= most_metadata_bytes;
}

/// Reads one line; an empty text, or what is wrong.
std::string read_line(std::string_view line, rejected_entry& out) {
    error_code ec;
    const auto root = boost::json::parse({line.data(), line.size()}, ec);
    if (ec)
        return "is no JSON: " + ec.message();
    const auto* object = root.if_object();
    if (!object)
        return "is no object";
    const auto text = [&](const char* name) -> const boost::json::string* {
        const auto* v = object->if_contains(name);
        return v ? v->if_string() : nullptr;
    };
    const auto* labels = object->if_contains("labels");
    const auto* execution = text("execution_id");
    const auto* ts = text("ts");
    const auto* content = text("line");
    const auto* step = object->if_contains("step");
    if (!labels || !labels->is_object() || !execution || !ts || !content || !step || !step->is_int64())
        return "must have labels (an object), execution_id, ts and line (strings) and step (an integer)";
    if (!read_labels(labels->get_object(), out.labels))
        return "has a label that is no string";
    loki::labels metadata;
    if (const auto* own = object->if_contains("structured_metadata"))
        if (!own->is_object() || !read_labels(own->get_object(), metadata))
            return "has structured_metadata that is no object of strings";
    if (!is_metadata(metadata))
        return "has structured_metadata that Loki does not take: letters, digits and _ in names; 128 and "
               "63 KiB at most";
    std::int64_t ns = 0;
    const auto [end, failed] = std::from_chars(ts->data(), ts->data() + ts->size(), ns);
    if (failed != std::errc() || end != ts->data() + ts->size())
        return "has a ts that is no integer";
    out.entry = {text::from_unix_nanoseconds(ns), std::string(content->data(), content->size()),
                 std::move(metadata)};
    aoss::execution_record record;
    record.execution_id = std::string(execution->data(), execution->size());
    record.step = step->get_int64();
    record.status = std::string(out.labels.get("status"));
    out.key = aoss::make_step_key(record, out.entry.line);
    return {};
}

} // namespace

std::string to_ndjson(const loki::labels& labels, const loki::entry& entry) {
    std::string out = "{";
    append_entry(out, labels, entry);
    return out;
}

std::string to_ndjson(const ship::rejection& r) {
    std::string out = R"({"reason":")" + std::string(to_string(r.reason)) + R"(","execution_id":")" +
                      aoss::execution_id(r.key) + R"(","step":)" + std::to_string(r.key.step) + ',';
    append_entry(out, r.labels, r.entry);
    return out;
}

result<void> parse_rejects(std::istream& in, const std::string& name,
                           const std::function<void(const rejected_entry&)>& take) {
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.find_first_not_of(" \t\r") == line.npos)
            continue;
        rejected_entry entry;
        if (const auto wrong = read_line(line, entry); !wrong.empty())
            return error(boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                         name + ':' + std::to_string(number) + ": the line " + wrong);
        take(entry);
    }
    if (in.bad())
        return error(boost::system::errc::make_error_code(boost::system::errc::io_error),
                     name + " cannot be read");
    return {};
}

void read_rejects(const std::string& path, const std::function<void(const rejected_entry&)>& take) {
    const std::string name = text::escape_for_log(path);
    std::ifstream in(path, std::ios::binary);
    if (!in)
        throw wrong_use_error("--replay: '" + name + "' cannot be read");
    if (const auto r = parse_rejects(in, name, take); !r)
        throw wrong_use_error("--replay: " + r.error().message);
}

} // namespace lokiship::tools
