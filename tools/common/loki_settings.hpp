#ifndef LOKISHIP_TOOLS_COMMON_LOKI_SETTINGS_HPP
#define LOKISHIP_TOOLS_COMMON_LOKI_SETTINGS_HPP

#include <lokiship/error.hpp>
#include <lokiship/loki/ingestion_limits.hpp>
#include <lokiship/loki/query.hpp>
#include <lokiship/loki/stream_window.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lokiship::tools {

/// The settings of a Loki that matter to a shipper. The defaults are those of Loki.
struct loki_settings {
    loki::ingester_limits ingester{};
    loki::query_limits query{};
    loki::ingestion_limits ingestion{};
    /// Whether it takes structured metadata; only Loki 3 does by default. Empty: not known.
    std::optional<bool> allow_structured_metadata{};
};

/// Reads what `GET /config` answered. What is not there, or cannot be read, keeps its default. Error where it is no YAML mapping.
result<loki_settings> parse_loki_config(std::string_view yaml);

/// Whether the answer to `GET /loki/api/v1/status/buildinfo` is that of a Loki that takes structured metadata by
/// default: 3.0 or later. Empty: it does not tell.
std::optional<bool> takes_structured_metadata(std::string_view buildinfo);

/// A duration as Go writes it, `2h0m0s`, `30d1h`, `1w` or `500ms`.
std::optional<std::chrono::nanoseconds> parse_go_duration(std::string_view text);

/// A number of bytes as Loki writes it, `256KB`, `0B` or `17`; a KB is 1024 bytes.
std::optional<std::uint64_t> parse_loki_size(std::string_view text);

} // namespace lokiship::tools

#endif
