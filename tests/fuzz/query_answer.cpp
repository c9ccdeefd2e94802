// What Loki shows is read, written and read as the same; and looking for entries ends, whatever it shows.
#include "fuzz.hpp"

#include <lokiship/loki/query.hpp>
#include <lokiship/ship/read_back.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

using namespace lokiship;
using fuzz::require;
namespace asio = boost::asio;
namespace json = boost::json;

namespace {

json::object to_json(const loki::labels& set) {
    json::object out;
    for (const auto& l : set) {
        require(!l.value.empty(), "a label has a value");
        out[l.name] = l.value;
    }
    return out;
}

void check_entries(std::string_view text) {
    const auto shown = loki::read_query_answer(text);
    if (!shown) {
        require(shown.error().code == errc::unexpected_answer, "an error is one of the answer");
        return;
    }
    json::array streams;
    for (const auto& s : *shown) {
        require(std::is_sorted(s.entries.begin(), s.entries.end()), "entries are sorted");
        json::array values;
        for (const auto& e : s.entries)
            values.push_back(json::array{std::to_string(text::to_unix_nanoseconds(e.time)), e.line});
        streams.push_back(json::object{{"stream", to_json(s.labels)}, {"values", values}});
    }
    const auto again =
        loki::read_query_answer(json::serialize(json::object{{"data", json::object{{"result", streams}}}}));
    require(again.has_value() && again->size() == shown->size(), "what is written is read");
    for (std::size_t i = 0; i != shown->size(); ++i)
        require((*again)[i].labels == (*shown)[i].labels && (*again)[i].entries == (*shown)[i].entries,
                "what is written is read as the same");
}

void check_series(std::string_view text) {
    const auto series = loki::read_series_answer(text);
    if (!series)
        return;
    json::array data;
    for (const auto& set : *series)
        data.push_back(to_json(set));
    const auto again =
        loki::read_series_answer(json::serialize(json::object{{"status", "success"}, {"data", data}}));
    require(again.has_value() && *again == *series, "series that are written are read as the same");
}

/// Answers each query with the same text.
struct same_answer {
    std::string_view text;

    asio::awaitable<result<http::response_head>> send(const http::request&,
                                                      const http::body_sink& sink) const {
        http::response_head head{200, {}};
        if (const auto r = sink(head, text); !r)
            co_return r.error();
        co_return head;
    }
    std::string server() const { return "http://loki"; }
};

asio::awaitable<void> look(ship::read_back& what, same_answer loki) {
    for (int asked = 0; !what.done(); ++asked) {
        require(asked != 100, "looking for entries ends");
        if (co_await what.ask(loki))
            co_return;
    }
}

void check_read_back(std::string_view text) {
    std::vector<loki::labels> streams{{{"a", "b"}}, {{"a", "c"}}};
    std::vector<loki::entry> entries;
    for (const int ns : {5, 7, 7, 8})
        entries.push_back({text::from_unix_nanoseconds(ns), "line " + std::to_string(entries.size())});
    std::vector<ship::sought_entries> sought;
    for (const auto& s : streams) {
        sought.push_back({&s, {}});
        for (const auto& e : entries)
            sought.back().entries.push_back(&e);
    }
    ship::read_back_options options;
    options.limits.max_entries = 3;
    ship::read_back what(std::move(sought), options);
    asio::io_context context(1);
    asio::co_spawn(context, look(what, {text}),
                   [](const std::exception_ptr& e) { require(!e, "nothing is thrown"); });
    context.run();
    for (const auto& s : what.sought()) {
        require(s.looked_for <= s.entries.size(), "no more is looked for than is sought");
        require(!what.done() || s.looked_for == s.entries.size(), "all is looked for in the end");
        std::vector<std::size_t> lost = s.missing;
        lost.insert(lost.end(), s.in_doubt.begin(), s.in_doubt.end());
        std::sort(lost.begin(), lost.end());
        require(std::adjacent_find(lost.begin(), lost.end()) == lost.end() &&
                    (lost.empty() || lost.back() < s.looked_for),
                "each entry is missing once at most");
        for (std::size_t i = 0; i != s.looked_for; ++i)
            require(std::binary_search(lost.begin(), lost.end(), i) || text.find("line") != text.npos ||
                        text.find('\\') != text.npos,
                    "only what Loki shows is found");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    check_entries(text);
    check_series(text);
    check_read_back(text);
    return 0;
}
