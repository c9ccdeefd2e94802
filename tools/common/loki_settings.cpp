#include "common/loki_settings.hpp"

#include <lokiship/text/escape.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>

namespace lokiship::tools {

namespace {

YAML::Node find(const YAML::Node& root, const char* section, const char* name) {
    const auto& in = root[section];
    return in && in.IsMap() ? in[name] : YAML::Node(YAML::NodeType::Undefined);
}

void read_duration(const YAML::Node& n, std::chrono::nanoseconds& to) {
    if (!n.IsDefined() || !n.IsScalar())
        return;
    if (const auto d = parse_go_duration(n.Scalar()); d && d->count() > 0)
        to = *d;
}

template <class T>
void read_value(const YAML::Node& n, T& to) {
    if (n.IsDefined())
        to = n.as<T>(to);
}

void read_size(const YAML::Node& n, std::size_t& to) {
    if (n.IsDefined() && n.IsScalar())
        to = parse_loki_size(n.Scalar()).value_or(to);
}

/// From megabytes of 1024 * 1024 bytes, which may be broken.
void read_megabytes(const YAML::Node& n, std::size_t& to) {
    const auto read = n.IsDefined() ? n.as<double>(-1) : -1;
    if (!(read >= 0)) // nor a NaN
        return;
    const double bytes = read * 1024 * 1024;
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    to = bytes < static_cast<double>(most) ? static_cast<std::size_t>(bytes) : most;
}

/// The earliest day on which a period of the schema begins; nothing where one is not known.
std::optional<timestamp> schema_start(const YAML::Node& configs) {
    std::optional<timestamp> out;
    if (!configs.IsDefined() || !configs.IsSequence())
        return out;
    for (const auto& period : configs) {
        const auto from = period.IsMap() ? period["from"] : YAML::Node(YAML::NodeType::Undefined);
        if (!from.IsDefined() || !from.IsScalar())
            return std::nullopt;
        const std::string& text = from.Scalar();
        const auto time = text::parse_timestamp(text.find(':') == text.npos ? text + "T00" : text);
        if (!time)
            return std::nullopt;
        out = out ? std::min(*out, *time) : *time;
    }
    return out;
}

loki::ingestion_limits read_ingestion_limits(const YAML::Node& root) {
    loki::ingestion_limits out;
    const auto limit = [&root](const char* name) { return find(root, "limits_config", name); };
    const auto read_age = [&](const char* name, std::chrono::nanoseconds& to) {
        if (const auto n = limit(name); n.IsDefined() && n.IsScalar())
            to = parse_go_duration(n.Scalar()).value_or(to);
    };
    const auto& section = root["limits_config"];
    out.known = section && section.IsMap();
    read_value(limit("reject_old_samples"), out.reject_old_samples);
    read_age("reject_old_samples_max_age", out.reject_old_samples_max_age);
    read_age("creation_grace_period", out.creation_grace_period);
    read_size(limit("max_line_size"), out.max_line_size);
    read_value(limit("max_line_size_truncate"), out.max_line_size_truncate);
    read_value(limit("max_label_names_per_series"), out.max_label_names_per_series);
    read_megabytes(limit("ingestion_rate_mb"), out.ingestion_rate);
    read_size(limit("per_stream_rate_limit"), out.per_stream_rate_limit);
    read_value(limit("max_global_streams_per_user"), out.max_global_streams_per_user);
    out.schema_start = schema_start(find(root, "schema_config", "configs"));
    return out;
}

} // namespace

std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text) {
    static constexpr struct {
        std::string_view unit;
        std::int64_t nanoseconds;
    } units[] = {{"ms", 1'000'000},
                 {"us", 1'000},
                 {"ns", 1},
                 {"y", 365ll * 86'400'000'000'000},
                 {"w", 7ll * 86'400'000'000'000},
                 {"d", 86'400'000'000'000},
                 {"h", 3'600'000'000'000},
                 {"m", 60'000'000'000},
                 {"s", 1'000'000'000}};
    if (text == "0")
        return std::chrono::nanoseconds(0);
    if (text.empty())
        return std::nullopt;
    std::int64_t sum = 0;
    while (!text.empty()) {
        std::int64_t n = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (ec != std::errc() || n < 0)
            return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const auto* found = std::begin(units);
        while (found != std::end(units) && !text.starts_with(found->unit))
            ++found;
        if (found == std::end(units) || n > (INT64_MAX - sum) / found->nanoseconds)
            return std::nullopt;
        sum += n * found->nanoseconds;
        text.remove_prefix(found->unit.size());
    }
    return std::chrono::nanoseconds(sum);
}

std::optional<std::uint64_t> parse_loki_size(std::string_view text) {
    static constexpr std::string_view units[] = {"b", "kb", "mb", "gb", "tb", "pb", "eb"};
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    while (text.starts_with(' '))
        text.remove_prefix(1);
    if (text.empty())
        return n;
    std::string unit(text);
    for (char& c : unit)
        c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    const auto* found = std::find(std::begin(units), std::end(units), unit);
    if (found == std::end(units))
        return std::nullopt;
    const auto shift = 10 * (found - std::begin(units));
    return n > UINT64_MAX >> shift ? std::nullopt : std::optional(n << shift);
}

result<loki_settings> parse_loki_config(std::string_view yaml) try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsMap())
        return error(errc::unexpected_answer, "Loki's /config is no YAML mapping");
    loki_settings out;
    out.ingester.known = find(root, "ingester", "max_chunk_age").IsDefined();
    read_duration(find(root, "ingester", "max_chunk_age"), out.ingester.max_chunk_age);
    read_duration(find(root, "ingester", "chunk_idle_period"), out.ingester.chunk_idle_period);
    const auto within = find(root, "querier", "query_ingesters_within");
    read_duration(within, out.query.query_ingesters_within);
    // Zero: ingesters are always asked, so that everything shows at once.
    if (within.IsDefined() && within.IsScalar() &&
        parse_go_duration(within.Scalar()) == std::chrono::nanoseconds(0))
        out.query.query_ingesters_within = std::chrono::years(100);
    read_duration(find(root, "limits_config", "max_query_length"), out.query.max_length);
    if (const auto n = find(root, "limits_config", "max_entries_limit_per_query"); n.IsDefined())
        if (const auto most = n.as<std::size_t>(0); most != 0)
            out.query.max_entries = most;
    if (const auto n = find(root, "limits_config", "allow_structured_metadata"); n.IsDefined())
        out.allow_structured_metadata = n.as<bool>(false);
    else if (find(root, "limits_config", "max_entries_limit_per_query").IsDefined())
        // Those before 2.9 do not know it.
        out.allow_structured_metadata = false;
    out.ingestion = read_ingestion_limits(root);
    return out;
} catch (const YAML::Exception& e) {
    return error(errc::unexpected_answer, "Loki's /config is no YAML: " + text::escape_for_log(e.what()));
}

std::optional<bool> takes_structured_metadata(std::string_view buildinfo) {
    error_code ec;
    const auto root = boost::json::parse({buildinfo.data(), buildinfo.size()}, ec);
    const auto* object = ec ? nullptr : root.if_object();
    const auto* version = object ? object->if_contains("version") : nullptr;
    if (!version || !version->is_string())
        return std::nullopt;
    const std::string_view text(version->get_string());
    // A release has its number, a build from source its branch.
    int major = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), major);
    if (failed == std::errc())
        return major >= 3;
    return text.starts_with("main") ? std::optional(true) : std::nullopt;
}

} // namespace lokiship::tools
