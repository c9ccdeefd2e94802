#ifndef LOKISHIP_LOKI_BACKFILL_SHARD_HPP
#define LOKISHIP_LOKI_BACKFILL_SHARD_HPP

#include <lokiship/http/message.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::loki {

/// Loki later than 3.7 takes entries of any age from a push with this header, and puts them into streams of their own,
/// to which it adds the label `__backfill_shard__` with the header's value. Earlier ones ignore it without a word.
inline constexpr std::string_view backfill_shard_header = "X-Loki-Backfill-Shard";
/// A stream with this label is pushed with the header instead.
inline constexpr std::string_view backfill_shard_label = "__backfill_shard__";
/// The longest value that Loki takes, in bytes.
inline constexpr std::size_t max_backfill_shard_size = 128;

/// A push that stores nothing, and that a Loki that knows the header refuses.
inline http::request backfill_shard_probe() {
    http::request out;
    out.verb = http::method::post;
    out.target = "/loki/api/v1/push";
    out.fields.add("Content-Type", "application/json");
    out.fields.add(std::string(backfill_shard_header), std::string(max_backfill_shard_size + 1, 'x'));
    out.body = R"({"streams":[{"stream":{"job":"probe"},"values":[]}]})";
    return out;
}
/// Whether this is the answer of a Loki that knows the header, and to which it comes through.
inline bool knows_backfill_shard(unsigned status, std::string_view body) noexcept {
    return status == 400 && body.find(backfill_shard_header) != std::string_view::npos;
}

} // namespace lokiship::loki

#endif
