#ifndef LOKISHIP_TESTING_FAKE_LOKI_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_HPP

#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/testing/exchange.hpp>
#include <lokiship/testing/fake_loki/answer_json.hpp>
#include <lokiship/testing/fake_loki/distributor.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/ingester.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/testing/fake_loki/metric_answer.hpp>
#include <lokiship/testing/fake_loki/push_body.hpp>
#include <lokiship/testing/fake_loki/query.hpp>
#include <lokiship/testing/fake_loki/query_parameters.hpp>
#include <lokiship/testing/fake_loki/status_pages.hpp>
#include <lokiship/testing/fake_loki/stream_sharding.hpp>
#include <lokiship/testing/fake_loki/tenant.hpp>
#include <lokiship/testing/fake_loki/token_bucket.hpp>
#include <lokiship/testing/logql.hpp>

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/parse_query.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace lokiship::testing {

/// A Loki in memory, as a single binary of 2.9 or 3.x: it takes pushes and answers queries with the order of
/// checks, the statuses, the texts and the partial storage of the real one. The scenarios in
/// `tests/conformance` run against both.
///
/// Among what it shares with Loki: an entry behind its stream's window or outside of the accepted ages is
/// refused while the others of the push are stored; the reply to a push of several streams tells the
/// ingester's verdict on the last one only; an entry that equals one in stream, time and line is taken and
/// shown once; history is invisible until it is flushed (`loki_limits::visible_at_once` turns that off); a
/// stream that was flushed and idle is forgotten, and with it its newest time.
///
/// It does not have: tail, LogQL beyond `log_query` and `metric_query` (which is refused with a 400), statistics, OTLP
/// and the legacy push endpoint, compressed answers, limits on memory, chunks that are full.
///
/// No I/O and no clock of its own: time goes on as `now` says. Give it to a transport by reference:
/// `std::ref(loki)`. Not thread-safe.
class fake_loki {
public:
    /// The only tenant where `auth_enabled` is false.
    static constexpr std::string_view default_tenant = "fake";
    /// An entry with its stream.
    using line = std::tuple<loki::labels, timestamp, std::string>;

    explicit fake_loki(loki_limits limits = {}, std::function<timestamp()> now = real_now)
        : limits_(std::move(limits))
        , now_(std::move(now))
        , swept_(now_()) {}
    fake_loki(const fake_loki&) = delete;
    fake_loki& operator=(const fake_loki&) = delete;

    /// May be changed at any time; what was taken stays.
    loki_limits& limits() noexcept { return limits_; }
    /// False: `/ready` answers 503. Pushes are taken all the same, as in Loki's first seconds.
    void ready(bool r) noexcept { ready_ = r; }
    /// Decodes bodies that are no JSON, from now on; see `fake_loki/protobuf_push.hpp`. Without, they get
    /// 400.
    void decode_others_with(push_decoder d) { decode_others_ = std::move(d); }

    /// What is stored, visible or not, without duplicates: entries by time, those of the same time in the
    /// order of their arrival.
    std::map<loki::labels, std::vector<loki::entry>> stored(std::string_view tenant = default_tenant) const {
        std::map<loki::labels, std::vector<loki::entry>> out;
        for (const auto& [name, s] : streams(tenant))
            for (const auto& e : s.entries)
                out[labels_of(s)].push_back({e.time, e.line, to_labels(e.metadata)});
        return out;
    }
    /// The same as a set.
    std::set<line> lines(std::string_view tenant = default_tenant) const {
        std::set<line> out;
        for (const auto& [name, s] : streams(tenant))
            for (const auto& e : s.entries)
                out.emplace(labels_of(s), e.time, e.line);
        return out;
    }
    /// Everything there is to know about a tenant's streams, by the text of their labels.
    const std::map<std::string, stored_stream>& streams(std::string_view tenant = default_tenant) const {
        static const std::map<std::string, stored_stream> none;
        const auto t = tenants_.find(tenant);
        return t == tenants_.end() ? none : t->second.store.streams();
    }
    /// How many entries are stored, of all tenants.
    std::size_t size() const {
        std::size_t n = 0;
        for (const auto& [tenant, t] : tenants_)
            for (const auto& [name, s] : t.store.streams())
                n += s.entries.size();
        return n;
    }
    /// How many entries were taken, repeated ones included, of all tenants.
    std::size_t received_entries() const noexcept {
        std::size_t n = 0;
        for (const auto& [tenant, t] : tenants_)
            n += t.store.received();
        return n;
    }
    /// How many entries were discarded, by reason, whether the reply told of them or not.
    discarded_entries discarded(std::string_view tenant = default_tenant) const {
        const auto t = tenants_.find(tenant);
        return t == tenants_.end() ? discarded_entries() : t->second.discarded;
    }
    /// How many pushes were made.
    std::size_t pushes() const noexcept { return pushes_; }

    /// Does what `POST /flush` does.
    void flush() {
        for (auto& [tenant, t] : tenants_)
            t.store.sweep(limits_, now_(), true);
    }

    /// Answers one request.
    reply operator()(const http::request& r) {
        const auto target = boost::urls::parse_origin_form(r.target);
        if (!target)
            return text(400, "400 Bad Request");
        const std::string path(target->encoded_path());
        sweep();
        if (path == "/ready")
            return ready_ ? text(200, "ready\n")
                          : text(503, "Ingester not ready: waiting for 15s after being ready\n");
        if (path == "/flush") {
            flush();
            return {204, {}, {}};
        }
        if (path == "/config")
            return {200, {{"Content-Type", "text/plain; charset=utf-8"}}, config_page(limits_)};
        if (path == "/metrics")
            return {200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, metrics()};
        if (path == "/loki/api/v1/status/buildinfo")
            return {200, {{"Content-Type", "application/json"}}, build_info(limits_) + '\n'};
        return tenant_request(r, *target, path);
    }

private:
    struct tenant_state {
        ingester store;
        token_bucket rate;
        stream_sharding sharding;
        discarded_entries discarded;
    };

    static timestamp real_now() {
        return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
    }
    static reply text(unsigned status, std::string body) {
        return {status,
                {{"Content-Type", "text/plain; charset=utf-8"}, {"X-Content-Type-Options", "nosniff"}},
                std::move(body)};
    }
    static reply json(std::string body) {
        return {200, {{"Content-Type", "application/json; charset=UTF-8"}}, std::move(body) + '\n'};
    }
    static loki::labels to_labels(const label_list& list) {
        loki::labels out;
        for (const auto& l : list)
            out.set(l.name, l.value);
        return out;
    }
    static loki::labels labels_of(const stored_stream& s) { return to_labels(s.labels); }
    bool is_v3() const noexcept { return limits_.version == loki_version::v3; }

    /// Lets the time since the last request have happened.
    void sweep() {
        const auto period = std::max(limits_.flush_check_period, std::chrono::nanoseconds(1));
        // What was due is flushed in the first round and forgotten in the second; more change nothing.
        const auto rounds = std::min<std::int64_t>((now_() - swept_) / period, 2);
        if (rounds <= 0)
            return;
        swept_ += (now_() - swept_) / period * period;
        for (std::int64_t i = rounds; i-- != 0;)
            for (auto& [name, t] : tenants_)
                t.store.sweep(limits_, swept_ - i * period, false);
    }

    std::string metrics() const {
        std::map<std::string, discarded_entries> all;
        for (const auto& [name, t] : tenants_)
            all[name] = t.discarded;
        return metrics_page(all);
    }

    reply tenant_request(const http::request& r, const boost::urls::url_view& target,
                         const std::string& path) {
        using tenant_handler = std::function<reply(const std::string& tenant, const query_parameters&)>;
        constexpr std::string_view label = "/loki/api/v1/label/", values = "/values";
        tenant_handler h;
        const bool is_push = path == "/loki/api/v1/push";
        if (is_push)
            h = [&](const std::string& t, const query_parameters&) { return push(r, t); };
        else if (path == "/loki/api/v1/labels" || path == "/loki/api/v1/label")
            h = [&](const std::string& t, const query_parameters& p) { return names({}, t, p); };
        else if (path.starts_with(label) && path.ends_with(values) &&
                 path.size() > label.size() + values.size())
            h = [&](const std::string& t, const query_parameters& p) {
                return names(path.substr(label.size(), path.size() - label.size() - values.size()), t, p);
            };
        else if (path == "/loki/api/v1/series")
            h = [&](const std::string& t, const query_parameters& p) { return series(t, p); };
        else if (path == "/loki/api/v1/query_range")
            h = [&](const std::string& t, const query_parameters& p) { return query_range(r, t, p); };
        else if (path == "/loki/api/v1/query")
            h = [&](const std::string& t, const query_parameters& p) { return query(r, t, p); };
        else
            return text(404, "404 page not found\n");
        if (is_push && r.verb != http::method::post)
            return {405, {}, {}};
        const std::variant<std::string, no_tenant> who =
            limits_.auth_enabled ? read_tenant(r.fields.get("X-Scope-OrgID"), limits_.version)
                                 : std::string(default_tenant);
        if (const auto* none = std::get_if<no_tenant>(&who)) {
            if (is_push || none->status == 401)
                return text(none->status, none->text + '\n');
            return text(none->several ? 500 : none->status, none->text);
        }
        return h(std::get<std::string>(who), is_push ? query_parameters() : parameters(target, r));
    }

    static query_parameters parameters(const boost::urls::url_view& target, const http::request& r) {
        query_parameters out;
        for (const auto& p : target.params())
            out.emplace(std::string(p.key), p.value);
        if (r.verb == http::method::post)
            if (const auto form = boost::urls::parse_query(r.body))
                for (const auto& p : boost::urls::params_view(*form))
                    out.emplace(std::string(p.key), p.value);
        return out;
    }

    reply push(const http::request& r, const std::string& tenant_name) {
        ++pushes_;
        const std::string_view shard =
            limits_.backfill_shard_header ? r.fields.get("X-Loki-Backfill-Shard") : std::string_view();
        if (auto wrong = backfill_shard_error(shard); !wrong.empty())
            return text(400, std::move(wrong) + '\n');
        auto decoded = decode_push(r, limits_.version, decode_others_);
        if (!decoded)
            return text(400, decoded.error().message + '\n');
        if (decoded->empty())
            return is_v3() ? text(422, "error at least one valid stream is required for ingestion\n")
                           : reply{204, {}, {}};
        tenant_state& t = tenants_[tenant_name];
        const auto now = now_();
        distribution d(limits_, tenant_name, now, t.discarded);
        if (const auto failure = d.add(std::move(*decoded), shard))
            return text(failure->status, failure->text + '\n');
        if (!d.streams().empty())
            if (auto refused = ingest(d, t, tenant_name, now); refused.status != 0)
                return refused_push(refused);
        if (auto errors = d.errors(); !errors.empty())
            return refused_push({400, std::move(errors)});
        if (!d.blocked().empty())
            return text(limits_.block_ingestion_status_code, d.blocked() + '\n');
        return {204, {}, {}};
    }
    /// 2.9 takes these texts for formats.
    reply refused_push(const ingester::verdict& v) const {
        const bool own_text = is_v3() || v.status == 500;
        return text(v.status, (own_text ? v.text : go::printf_without_arguments(v.text)) + '\n');
    }

    ingester::verdict ingest(distribution& d, tenant_state& t, const std::string& tenant_name,
                             timestamp now) {
        const auto bytes = [](double mb) { return static_cast<std::size_t>(mb * (1 << 20)); };
        const std::size_t rate = bytes(limits_.ingestion_rate_mb);
        if (!t.rate.take(d.bytes(), rate, bytes(limits_.ingestion_burst_size_mb), now)) {
            t.discarded["rate_limited"] += d.lines();
            return {429,
                    std::string(is_v3() ? "i" : "I") + "ngestion rate limit exceeded for user " +
                        tenant_name + " (limit: " + std::to_string(rate) +
                        " bytes/sec) while attempting to ingest '" + std::to_string(d.lines()) +
                        "' lines totaling '" + std::to_string(d.bytes()) +
                        "' bytes, reduce log volume or contact your Loki administrator to see if the limit "
                        "can be increased"};
        }
        auto streams = std::move(d.streams());
        if (limits_.shard_streams_enabled)
            streams = t.sharding.split(std::move(streams), limits_, now);
        const std::size_t size = protobuf_size(streams), most = limits_.grpc_server_max_recv_msg_size;
        if (most != 0 && size > most)
            return {500,
                    "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (" +
                        std::to_string(size) + " vs. " + std::to_string(most) + ')'};
        return t.store.push(std::move(streams), limits_, tenant_name, now, t.discarded);
    }

    reply query_range(const http::request& r, const std::string& tenant_name,
                      const query_parameters& p) const {
        const auto now = now_();
        if (!is_log_query(detail::parameter(p, "query")))
            return metric_query_answer(tenant_name, p, evaluation_times::of_range(p, limits_, now), now);
        const auto q = range_query::read(p, limits_, now);
        if (!q)
            return text(400, q.error().message);
        bool categorize = false;
        std::vector<std::string> flags;
        const std::string given(r.fields.get("X-Loki-Response-Encoding-Flags"));
        boost::algorithm::split(flags, given, boost::algorithm::is_any_of(", "));
        for (const auto& f : flags)
            categorize = categorize || f == "categorize-labels";
        auto answer = q->run(streams(tenant_name), limits_, now, categorize);
        return answer ? json(std::move(*answer)) : text(500, answer.error().message);
    }

    /// 2.9 answers a log query at an instant with what lies in the hour before; 3.x refuses it.
    reply query(const http::request& r, const std::string& tenant_name, query_parameters p) const {
        const auto now = now_();
        if (!is_log_query(detail::parameter(p, "query")))
            return metric_query_answer(tenant_name, p, evaluation_times::of_instant(p, now), now);
        if (is_v3() && parse_log_query(detail::parameter(p, "query")))
            return text(400,
                        "log queries are not supported as an instant query type, please change your query "
                        "to a range query type");
        p.erase("start");
        p.erase("end");
        if (const auto time = detail::parameter(p, "time"); !time.empty())
            p.emplace("end", time);
        return query_range(r, tenant_name, p);
    }

    reply metric_query_answer(const std::string& tenant_name, const query_parameters& p,
                              const result<evaluation_times>& times, timestamp now) const {
        if (!times)
            return text(400, times.error().message);
        const auto q = parse_metric_query(detail::parameter(p, "query"));
        if (!q)
            return text(400, q.error().message);
        auto answer = answer_metric_query(*q, *times, streams(tenant_name), limits_, now);
        return answer ? json(std::move(*answer)) : text(400, answer.error().message);
    }

    reply names(const std::string& label, const std::string& tenant_name, const query_parameters& p) const {
        const auto now = now_();
        const auto bounds = read_bounds(p, now);
        if (!bounds)
            return text(400, bounds.error().message);
        result<log_query> selector = log_query();
        if (const auto given = detail::parameter(p, "query"); !given.empty())
            selector = parse_log_query(given);
        if (!selector)
            return text(400, selector.error().message);
        std::set<std::string> found;
        for (const auto* s : streams_with_labels(streams(tenant_name), *bounds, limits_, now))
            if (selector->matches(s->labels))
                for (const auto& l : s->labels)
                    if (label.empty() || l.name == label)
                        found.insert(label.empty() ? l.name : l.value);
        std::string out;
        for (const auto& f : found) {
            out += out.empty() ? R"(,"data":[)" : ",";
            detail::append_go_json(out, f);
        }
        return json(R"({"status":"success")" + out + (found.empty() ? "}" : "]}"));
    }

    reply series(const std::string& tenant_name, const query_parameters& p) const {
        const auto now = now_();
        const auto bounds = read_bounds(p, now);
        if (!bounds)
            return text(400, bounds.error().message);
        std::vector<log_query> selectors;
        for (const auto& [name, value] : p) {
            if (name != "match" && name != "match[]")
                continue;
            auto selector = parse_log_query(value);
            if (!selector)
                return text(400, selector.error().message);
            selectors.push_back(std::move(*selector));
        }
        std::string out = R"({"status":"success","data":[)";
        for (const auto* s : streams_with_entries(streams(tenant_name), *bounds, limits_, now)) {
            const auto matches = [&](const log_query& q) { return q.matches(s->labels); };
            if (!selectors.empty() && std::none_of(selectors.begin(), selectors.end(), matches))
                continue;
            if (out.back() != '[')
                out += ',';
            detail::append_json_object(out, s->labels);
        }
        return json(out + "]}");
    }

    loki_limits limits_;
    std::function<timestamp()> now_;
    push_decoder decode_others_ = [](std::string_view) { return detail::bad_push("snappy: corrupt input"); };
    std::map<std::string, tenant_state, std::less<>> tenants_;
    timestamp swept_;
    bool ready_ = true;
    std::size_t pushes_ = 0;
};

} // namespace lokiship::testing

#endif
