#ifndef LOKISHIP_LOKI_JSON_ENCODER_HPP
#define LOKISHIP_LOKI_JSON_ENCODER_HPP

#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

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
        bool first = true;
        for (const auto& l : set) {
            if (!first)
                buffer_ += ',';
            first = false;
            append_json_string(buffer_, l.name);
            buffer_ += ':';
            append_json_string(buffer_, l.value);
        }
        buffer_ += R"(},"values":[)";
        entries_ = 0;
    }
    /// Precondition: `begin_stream` was called since the last `clear`.
    void add(timestamp time, std::string_view line) {
        buffer_ += entries_++ == 0 ? "[\"" : ",[\"";
        char digits[24];
        buffer_.append(digits,
                       std::to_chars(digits, digits + sizeof digits, text::to_unix_nanoseconds(time)).ptr);
        buffer_ += "\",";
        append_json_string(buffer_, line);
        buffer_ += ']';
    }
    /// Ends the body and gives the buffer away; the encoder is then as after `clear`.
    std::string finish() {
        end_stream();
        buffer_ += "]}";
        std::string out = std::move(buffer_);
        clear();
        return out;
    }

private:
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
