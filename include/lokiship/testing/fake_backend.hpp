#ifndef LOKISHIP_TESTING_FAKE_BACKEND_HPP
#define LOKISHIP_TESTING_FAKE_BACKEND_HPP

#include <lokiship/http/message.hpp>
#include <lokiship/testing/exchange.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// What one step of an execution gave.
struct step_result {
    /// Counts from 1 and may repeat; `null` in the answer where absent.
    std::optional<long> step;
    std::string command, status;
    /// `null` in the answer where absent.
    std::optional<int> exit_code;
    std::string standard_output, standard_error;
};

/// One row of the backend's table.
struct execution {
    /// The key; do not change it through `fake_backend::find`.
    std::string id;
    std::string server_id;
    std::string server_tag;
    std::string agent_type = "general";
    /// The execution's own status: `Planned`, `Success`, `Failed`.
    std::string status = "Success";
    std::string user_id;
    std::string query;
    std::string server_ip = "10.0.0.1";
    /// `null` in the answer where absent.
    std::optional<std::string> agent_summary{};
    /// Orders the executions, to the microsecond, as PostgreSQL does.
    timestamp created{};
    /// Stands in the answer instead of `created`, whose place in the order stays; empty gives `null`.
    std::optional<std::string> created_at{};
    /// None: the execution is still planned, and the answer holds a placeholder for it.
    std::vector<step_result> results{};
};

/// The text that Python's `datetime.isoformat()` gives for a UTC time: microseconds, cut and left out where
/// they are zero, and `+00:00`.
inline std::string python_isoformat(timestamp t) {
    const auto us = std::chrono::floor<std::chrono::microseconds>(t);
    const auto day = std::chrono::floor<std::chrono::days>(us);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<std::chrono::microseconds> time(us - day);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    std::string out = text;
    if (const auto fraction = time.subseconds().count(); fraction != 0) {
        std::snprintf(text, sizeof text, ".%06d", static_cast<int>(fraction));
        out += text;
    }
    return out + "+00:00";
}

/// An AOSS backend in memory: answers `GET /api/monitoring/logs` from a table as the real one does.
///
/// Give it to a double by reference: `handler h = std::ref(backend)`; it has no copies. Not thread-safe.
///
/// `limit` counts executions (default 100), the one created last comes first, and of two created at the same
/// microsecond the one added later. `server_id` and `status` keep the executions that have that value; an
/// empty one keeps all. Unknown parameters are ignored, and of a repeated one the last counts. A `limit` that
/// is no number, or is above `max_limit`, gives 422; a negative one 500, since the database refuses it. Other
/// paths give 404, other methods 405. It does not page, unless `pages_by` says so.
class fake_backend {
public:
    /// `max_limit`: the largest `limit` that is served; 0 serves all.
    explicit fake_backend(std::size_t max_limit = 0)
        : max_limit_(max_limit) {}
    fake_backend(const fake_backend&) = delete;
    fake_backend& operator=(const fake_backend&) = delete;

    /// Adds a row. One with the same id is replaced, and counts as added now.
    void add(execution e) {
        erase(e.id);
        ids_[e.id] = next_;
        rows_.emplace(next_++, std::move(e));
    }
    /// The row, to look at or to change, or null. Valid until it is erased or replaced.
    execution* find(std::string_view id) {
        const auto at = ids_.find(std::string(id));
        return at == ids_.end() ? nullptr : &rows_.find(at->second)->second;
    }
    /// Removes a row; true where there was one.
    bool erase(std::string_view id) {
        const auto at = ids_.find(std::string(id));
        if (at == ids_.end())
            return false;
        rows_.erase(at->second);
        ids_.erase(at);
        return true;
    }
    /// The number of executions.
    std::size_t size() const noexcept { return rows_.size(); }

    /// Changes what the constructor set.
    void max_limit(std::size_t n) noexcept { max_limit_ = n; }
    /// A `limit` above `n` counts as `n`, without a word; 0: none does.
    void clamp_limit(std::size_t n) noexcept { clamp_ = n; }
    /// What another backend might have: the parameter `name` skips executions (`offset`, `skip`), or, where it is `page`,
    /// pages of `limit` executions, counted from 1. Empty: nothing does.
    void pages_by(std::string name) { pages_by_ = std::move(name); }
    /// Requests of all kinds so far.
    std::size_t requests() const noexcept { return requests_; }
    /// Requests with a method other than GET. A shipper never makes one.
    std::size_t writes_refused() const noexcept { return writes_refused_; }
    /// The limit of the last request for logs whose limit was a number, 100 where it named none; 0 before.
    std::size_t last_limit() const noexcept { return last_limit_; }

    /// Answers one request.
    reply operator()(const http::request& r) {
        ++requests_;
        if (r.verb != http::method::get) {
            ++writes_refused_;
            return detail_reply(405, "Method Not Allowed");
        }
        const auto target = boost::urls::parse_origin_form(r.target);
        if (!target)
            return detail_reply(400, "Invalid HTTP request received.");
        if (target->path() != "/api/monitoring/logs")
            return detail_reply(404, "Not Found");
        std::string limit_text = "100", server_id, status;
        std::size_t extra = 0;
        for (const auto& p : target->params()) {
            if (!pages_by_.empty() && p.key == pages_by_)
                extra = static_cast<std::size_t>(std::stoull(p.value));
            if (p.key == "limit")
                limit_text = p.value;
            else if (p.key == "server_id")
                server_id = p.value;
            else if (p.key == "status")
                status = p.value;
        }
        std::int64_t limit = 0;
        const char* const end = limit_text.data() + limit_text.size();
        const auto [stop, ec] = std::from_chars(limit_text.data(), end, limit);
        if (ec != std::errc() || stop != end)
            return invalid_limit("Input should be a valid integer, unable to parse string as an integer",
                                 limit_text);
        if (limit < 0)
            return {500, {{"Content-Type", "text/plain; charset=utf-8"}}, "Internal Server Error"};
        last_limit_ = static_cast<std::size_t>(limit);
        if (max_limit_ != 0 && last_limit_ > max_limit_)
            return invalid_limit("Input should be less than or equal to " + std::to_string(max_limit_),
                                 limit_text);
        const std::size_t n = clamp_ == 0 ? last_limit_ : std::min(last_limit_, clamp_);
        return page(n, pages_by_ == "page" ? (std::max<std::size_t>(extra, 1) - 1) * n : extra, server_id,
                    status);
    }

private:
    struct row {
        std::chrono::sys_time<std::chrono::microseconds> created;
        std::uint64_t added;
        const execution* what;
    };

    static boost::json::value text_or_null(const std::optional<std::string>& text) {
        return text ? boost::json::value(*text) : boost::json::value(nullptr);
    }

    static reply json_reply(unsigned status, std::string body) {
        return {status, {{"Content-Type", "application/json"}}, std::move(body)};
    }
    static reply detail_reply(unsigned status, std::string_view detail) {
        return json_reply(status, boost::json::serialize(boost::json::object{{"detail", detail}}));
    }
    static reply invalid_limit(const std::string& why, const std::string& input) {
        const boost::json::object problem{
            {"loc", boost::json::array{"query", "limit"}}, {"msg", why}, {"input", input}};
        return json_reply(
            422, boost::json::serialize(boost::json::object{{"detail", boost::json::array{problem}}}));
    }

    static void append_entry(std::string& out, const execution& e, const step_result& s) {
        boost::json::object o;
        if (!e.created_at)
            o["timestamp"] = python_isoformat(e.created);
        else if (e.created_at->empty())
            o["timestamp"] = nullptr;
        else
            o["timestamp"] = *e.created_at;
        o["execution_id"] = e.id;
        o["user_id"] = e.user_id;
        o["server_id"] = e.server_id;
        o["server_tag"] = e.server_tag;
        o["server_ip"] = e.server_ip;
        o["agent_type"] = e.agent_type;
        o["query"] = e.query;
        o["step"] = s.step ? boost::json::value(*s.step) : boost::json::value(nullptr);
        o["command"] = s.command;
        o["status"] = s.status;
        o["exit_code"] = s.exit_code ? boost::json::value(*s.exit_code) : boost::json::value(nullptr);
        o["stdout"] = s.standard_output;
        o["stderr"] = s.standard_error;
        o["execution_status"] = e.status;
        o["agent_summary"] = text_or_null(e.agent_summary);
        out += boost::json::serialize(o);
    }

    reply page(std::size_t limit, std::size_t skipped, const std::string& server_id,
               const std::string& status) const {
        std::vector<row> chosen;
        chosen.reserve(rows_.size());
        for (const auto& [added, e] : rows_)
            if ((server_id.empty() || e.server_id == server_id) && (status.empty() || e.status == status))
                chosen.push_back({std::chrono::floor<std::chrono::microseconds>(e.created), added, &e});
        skipped = std::min(skipped, chosen.size());
        const std::size_t count = std::min(limit, chosen.size() - skipped);
        std::partial_sort(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(skipped + count),
                          chosen.end(), [](const row& a, const row& b) {
                              return a.created != b.created ? a.created > b.created : a.added > b.added;
                          });
        chosen.erase(chosen.begin(), chosen.begin() + static_cast<std::ptrdiff_t>(skipped));
        chosen.resize(count);
        std::string logs;
        std::size_t entries = 0;
        for (const row& r : chosen) {
            if (r.what->results.empty()) {
                if (entries++ != 0)
                    logs += ',';
                append_entry(logs, *r.what, {0, {}, r.what->status, {}, {}, {}});
            }
            for (const step_result& s : r.what->results) {
                if (entries++ != 0)
                    logs += ',';
                append_entry(logs, *r.what, s);
            }
        }
        return json_reply(200, "{\"total_executions\":" + std::to_string(count) + ",\"total_log_entries\":" +
                                   std::to_string(entries) + ",\"logs\":[" + logs + "]}");
    }

    std::size_t max_limit_;
    std::size_t clamp_ = 0;
    std::string pages_by_;
    std::map<std::uint64_t, execution> rows_;
    std::unordered_map<std::string, std::uint64_t> ids_;
    std::uint64_t next_ = 0;
    std::size_t requests_ = 0;
    std::size_t writes_refused_ = 0;
    std::size_t last_limit_ = 0;
};

} // namespace lokiship::testing

#endif
