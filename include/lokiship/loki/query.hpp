#ifndef LOKISHIP_LOKI_QUERY_HPP
#define LOKISHIP_LOKI_QUERY_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/selector.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/memory_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::loki {

/// How Loki limits queries; the defaults are Loki's.
struct query_limits {
    /// `max_entries_limit_per_query`, at least 1: the most entries of an answer.
    std::size_t max_entries = 5000;
    /// `max_query_length`, greater than zero: the longest time that a query may span.
    std::chrono::nanoseconds max_length = std::chrono::hours(721);
    /// `querier.query_ingesters_within`: what is older than this shows only after Loki has flushed its chunk.
    std::chrono::nanoseconds query_ingesters_within = std::chrono::hours(3);

    /// What is younger than this shows at once. A single binary asks its ingesters only for less than
    /// `query_ingesters_within`: with the default for 2 h 41 min.
    std::chrono::nanoseconds shows_at_once() const noexcept { return query_ingesters_within / 6 * 5; }
    /// What is older than this shows only if it was flushed, whichever clock is right. Between both it may show.
    std::chrono::nanoseconds shows_when_flushed() const noexcept { return query_ingesters_within / 6 * 7; }
};

/// Which end of a time a query begins at.
enum class direction {
    forward,
    backward
};

/// `GET /loki/api/v1/query_range`: the oldest (`forward`) or newest `limit` entries that the LogQL query selects, from
/// `start` (included) to `end` (excluded).
inline http::request query_range_request(std::string_view query, timestamp start, timestamp end,
                                         std::size_t limit, direction d = direction::forward) {
    http::request out;
    out.target = std::string("/loki/api/v1/query_range?direction=") +
                 (d == direction::forward ? "forward" : "backward") + "&limit=" + std::to_string(limit) +
                 // Loki takes a short integer for seconds.
                 "&start=" + http::encode_query_value(text::format_rfc3339(start)) +
                 "&end=" + http::encode_query_value(text::format_rfc3339(end)) +
                 "&query=" + http::encode_query_value(query);
    out.fields.add("Accept", "application/json");
    return out;
}

/// `GET /loki/api/v1/series`: the label sets of the streams that `selector(set)` selects and that show something from
/// `start` to `end`.
inline http::request series_request(const labels& set, timestamp start, timestamp end) {
    http::request out;
    out.target = "/loki/api/v1/series?start=" + http::encode_query_value(text::format_rfc3339(start)) +
                 "&end=" + http::encode_query_value(text::format_rfc3339(end)) +
                 "&match%5B%5D=" + http::encode_query_value(selector(set));
    out.fields.add("Accept", "application/json");
    return out;
}

namespace detail {

/// Memory of which no more than so much is given at once.
class bounded_memory final : public boost::json::memory_resource {
public:
    explicit bounded_memory(std::size_t most)
        : left_(most) {}

private:
    void* do_allocate(std::size_t size, std::size_t) override {
        if (size > left_)
            throw std::bad_alloc();
        left_ -= size;
        return ::operator new(size);
    }
    void do_deallocate(void* p, std::size_t size, std::size_t) override {
        left_ += size;
        ::operator delete(p);
    }
    bool do_is_equal(const boost::json::memory_resource& other) const noexcept override {
        return this == &other;
    }

    std::size_t left_;
};

/// A document of this many bytes can take a dozen times as much memory when it is made to; nothing that Loki says takes
/// more than twice.
inline constexpr std::size_t max_parsed_size = 32 * 1024 * 1024;

/// A document, for as long as `memory` lives. The error says why it is none.
inline result<boost::json::value> parse_json(std::string_view text, bounded_memory& memory) {
    error_code ec;
    try {
        boost::json::parser parser(&memory);
        parser.reset(&memory);
        parser.write(text.data(), text.size(), ec);
        if (!ec)
            return parser.release();
    } catch (const std::bad_alloc&) {
        return error(errc::unexpected_answer, "it takes too much memory to read");
    }
    return error(errc::unexpected_answer, ec.message());
}

/// The labels of a JSON object of strings; nothing where it is none.
inline std::optional<labels> read_label_object(const boost::json::value* from) {
    if (!from || !from->is_object())
        return std::nullopt;
    labels out;
    for (const auto& l : from->as_object()) {
        if (!l.value().is_string())
            return std::nullopt;
        const auto& value = l.value().as_string();
        out.set({l.key().data(), l.key().size()}, {value.data(), value.size()});
    }
    return out;
}

} // namespace detail

/// Reads the answer to `series_request`. Error: `errc::unexpected_answer`.
inline result<std::vector<labels>> read_series_answer(std::string_view body) {
    const auto bad = [] {
        return error(errc::unexpected_answer, "the answer to a query for series is not as Loki's");
    };
    detail::bounded_memory memory(detail::max_parsed_size);
    const auto root = detail::parse_json(body, memory);
    const auto* object = root ? root->if_object() : nullptr;
    if (!object || !object->contains("status"))
        return bad();
    std::vector<labels> out;
    const auto* data = object->if_contains("data");
    if (!data)
        return out;
    if (!data->is_array())
        return bad();
    for (const auto& stream : data->as_array()) {
        auto set = detail::read_label_object(&stream);
        if (!set)
            return bad();
        out.push_back(std::move(*set));
    }
    return out;
}

/// What an answer shows of a stream.
struct shown_stream {
    /// The stream's, and what Loki adds to them: `service_name`, and each name in the structured metadata.
    loki::labels labels;
    /// By time, then line.
    std::vector<entry> entries;
};

/// Reads the answer to a log query. A stream whose entries have distinct structured metadata comes several times. Error:
/// `errc::unexpected_answer`.
inline result<std::vector<shown_stream>> read_query_answer(std::string_view body) {
    const auto bad = [](const std::string& why) {
        return error(errc::unexpected_answer, "the answer to a query is not as Loki's: " + why);
    };
    detail::bounded_memory memory(detail::max_parsed_size);
    const auto root = detail::parse_json(body, memory);
    if (!root)
        return bad(root.error().message);
    const auto member = [](const boost::json::value& in, std::string_view name) -> const boost::json::value* {
        return in.is_object() ? in.as_object().if_contains({name.data(), name.size()}) : nullptr;
    };
    const auto* data = member(*root, "data");
    const auto* streams = data ? member(*data, "result") : nullptr;
    if (!streams || !streams->is_array())
        return bad("it has no data.result");
    std::vector<shown_stream> out;
    for (const auto& stream : streams->as_array()) {
        auto set = detail::read_label_object(member(stream, "stream"));
        if (!set)
            return bad("a stream has no labels");
        const auto* values = member(stream, "values");
        if (!values || !values->is_array())
            return bad("a stream has no values");
        shown_stream& shown = out.emplace_back();
        shown.labels = std::move(*set);
        for (const auto& value : values->as_array()) {
            if (!value.is_array() || value.as_array().size() < 2 || !value.as_array()[0].is_string() ||
                !value.as_array()[1].is_string())
                return bad("a value is no pair of strings");
            const auto& time = value.as_array()[0].as_string();
            const auto& line = value.as_array()[1].as_string();
            std::int64_t ns = 0;
            const auto [end, failed] = std::from_chars(time.data(), time.data() + time.size(), ns);
            if (failed != std::errc() || end != time.data() + time.size())
                return bad("a time is no integer");
            shown.entries.push_back({text::from_unix_nanoseconds(ns), std::string(line.data(), line.size())});
        }
        std::sort(shown.entries.begin(), shown.entries.end());
    }
    return out;
}

} // namespace lokiship::loki

#endif
