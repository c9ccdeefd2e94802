#ifndef LOKISHIP_LOKI_PUSH_ENCODER_HPP
#define LOKISHIP_LOKI_PUSH_ENCODER_HPP

#include <lokiship/loki/labels.hpp>
#include <lokiship/text/timestamp.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::loki {

/// Writes bodies of `POST /loki/api/v1/push`, stream by stream.
///
/// Calls: any number of `begin_stream`, each followed by its `add`s, then `finish`. The same input gives the
/// same bytes. Not thread-safe.
class push_encoder {
public:
    push_encoder() = default;
    push_encoder(const push_encoder&) = delete;
    push_encoder& operator=(const push_encoder&) = delete;
    virtual ~push_encoder() = default;

    /// Values of the request's header fields; an empty one is left out.
    virtual std::string_view content_type() const noexcept = 0;
    virtual std::string_view content_encoding() const noexcept { return {}; }

    virtual void begin_stream(const labels& set) = 0;
    /// Precondition: `begin_stream` was called since the last `finish`. `line` and the labels are UTF-8. `metadata` becomes the
    /// entry's structured metadata, which Loki takes from 3.0 on.
    virtual void add(timestamp time, std::string_view line, const labels& metadata) = 0;
    void add(timestamp time, std::string_view line) { add(time, line, {}); }
    /// Takes the last `add` back. Precondition: it was the last call that is not const.
    virtual void undo() = 0;
    /// How long the body is by now at most, in bytes before compression, which is what Loki's limits are about.
    virtual std::size_t size() const noexcept = 0;
    /// Ends the body and gives it away; the encoder is then as it was made.
    virtual std::string finish() = 0;
    /// Takes a body back that `finish` gave and that nobody needs any more: its memory may serve for another one.
    virtual void reuse([[maybe_unused]] std::string body) {}
};

} // namespace lokiship::loki

#endif
