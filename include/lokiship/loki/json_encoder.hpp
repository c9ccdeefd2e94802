#ifndef LOKISHIP_LOKI_JSON_ENCODER_HPP
#define LOKISHIP_LOKI_JSON_ENCODER_HPP

#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::loki {

namespace detail {

/// 0: stands as it is; 'u': as \u00NN; otherwise the letter behind the backslash.
inline constexpr auto json_escapes = [] {
    std::array<char, 256> out{};
    for (std::size_t c = 0; c != 0x20; ++c)
        out[c] = 'u';
    out['"'] = '"';
    out['\\'] = '\\';
    out['\b'] = 'b';
    out['\f'] = 'f';
    out['\n'] = 'n';
    out['\r'] = 'r';
    out['\t'] = 't';
    return out;
}();

} // namespace detail

/// Appends `text` as a JSON string, quotes included. UTF-8 goes out raw, since Loki 2.9 does not decode
/// escapes in label values. Precondition: `text` is UTF-8.
inline void append_json_string(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    std::size_t copied = 0;
    for (std::size_t i = 0; i != text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const char escape = detail::json_escapes[c];
        if (escape == 0)
            continue;
        out.append(text, copied, i - copied);
        copied = i + 1;
        out += '\\';
        out += escape;
        if (escape == 'u') {
            out += "00";
            out += hex[c >> 4];
            out += hex[c & 15];
        }
    }
    out.append(text, copied);
    out += '"';
}

/// The size of what `append_json_string` appends.
inline std::size_t json_string_size(std::string_view text) noexcept {
    std::size_t out = text.size() + 2;
    for (const char c : text)
        if (const char escape = detail::json_escapes[static_cast<unsigned char>(c)]; escape != 0)
            out += escape == 'u' ? 5 : 1;
    return out;
}

/// Writes the body of `POST /loki/api/v1/push` as JSON into one buffer, stream by stream:
/// `{"streams":[{"stream":{"job":"aoss"},"values":[["1700000000000000000","line"]]}]}`.
///
/// Calls: any number of `begin_stream`, each followed by its `add`s, then `finish`. The same input gives the
/// same bytes.
class json_encoder {
public:
    static constexpr std::string_view content_type = "application/json";

    json_encoder() { clear(); }

    /// Starts anew, keeping the buffer's memory.
    void clear() {
        buffer_ = R"({"streams":[)";
        streams_ = 0;
        entries_ = 0;
    }
    void begin_stream(const labels& set) {
        end_stream();
        buffer_ += streams_++ == 0 ? R"({"stream":{)" : R"(,{"stream":{)";
        append_labels(set);
        buffer_ += R"(},"values":[)";
        entries_ = 0;
    }
    /// Precondition: `begin_stream` was called since the last `clear`. `metadata` becomes the entry's structured
    /// metadata, which Loki takes from 3.0 on.
    void add(timestamp time, std::string_view line, const labels& metadata = {}) {
        buffer_ += entries_++ == 0 ? "[\"" : ",[\"";
        char digits[24];
        buffer_.append(digits,
                       std::to_chars(digits, digits + sizeof digits, text::to_unix_nanoseconds(time)).ptr);
        buffer_ += "\",";
        append_json_string(buffer_, line);
        if (!metadata.empty()) {
            buffer_ += ",{";
            append_labels(metadata);
            buffer_ += '}';
        }
        buffer_ += ']';
    }
    /// How long the body is that `finish` gives now.
    std::size_t size() const noexcept { return buffer_.size() + (streams_ != 0 ? 4 : 2); }
    /// How much longer `add` makes it, at most.
    static std::size_t entry_size(std::string_view line) noexcept { return json_string_size(line) + 27; }
    /// Ends the body and gives the buffer away; the encoder is then as after `clear`.
    std::string finish() {
        end_stream();
        buffer_ += "]}";
        std::string out = std::move(buffer_);
        clear();
        return out;
    }

private:
    void append_labels(const labels& set) {
        bool first = true;
        for (const auto& l : set) {
            if (!first)
                buffer_ += ',';
            first = false;
            append_json_string(buffer_, l.name);
            buffer_ += ':';
            append_json_string(buffer_, l.value);
        }
    }
    void end_stream() {
        if (streams_ != 0)
            buffer_ += "]}";
    }

    std::string buffer_;
    std::size_t streams_ = 0;
    std::size_t entries_ = 0;
};

} // namespace lokiship::loki

#endif
