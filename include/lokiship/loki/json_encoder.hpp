#ifndef LOKISHIP_LOKI_JSON_ENCODER_HPP
#define LOKISHIP_LOKI_JSON_ENCODER_HPP

#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/push_encoder.hpp>
#include <lokiship/text/detail/words.hpp>

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

/// A byte that does not stand as it is.
inline constexpr auto needs_escape = [](text::detail::word64 w) noexcept {
    using namespace text::detail;
    return below(w, 0x20) | equal_to(w, '"') | equal_to(w, '\\');
};

} // namespace detail

/// Appends `s` as a JSON string, quotes included. UTF-8 goes out raw, since Loki 2.9 does not decode
/// escapes in label values. Precondition: `s` is UTF-8.
inline void append_json_string(std::string& out, std::string_view s) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (;;) {
        const std::size_t plain = text::detail::find_first(s, detail::needs_escape);
        out.append(s, 0, plain);
        if (plain == s.size())
            break;
        const auto c = static_cast<unsigned char>(s[plain]);
        const char escape = detail::json_escapes[c];
        out += '\\';
        out += escape;
        if (escape == 'u') {
            out += "00";
            out += hex[c >> 4];
            out += hex[c & 15];
        }
        s.remove_prefix(plain + 1);
    }
    out += '"';
}

/// Writes JSON into one buffer:
/// `{"streams":[{"stream":{"job":"aoss"},"values":[["1700000000000000000","line"]]}]}`.
///
/// Loki 2.9 does not decode what is escaped in labels, nor any before 3.6 in structured metadata: `"`, `\` and line breaks come out
/// as they are written here. `protobuf_encoder` has no such trouble.
class json_encoder final : public push_encoder {
public:
    json_encoder() { clear(); }

    std::string_view content_type() const noexcept override { return "application/json"; }

    void begin_stream(const labels& set) override {
        end_stream();
        if (streams_ == 0 && buffer_.capacity() < size_before_) {
            // Likely to be as large as the last one.
            std::string larger = std::exchange(spare_, {});
            larger.clear();
            larger.reserve(size_before_);
            larger = buffer_;
            buffer_ = std::move(larger);
        }
        buffer_ += streams_++ == 0 ? R"({"stream":{)" : R"(,{"stream":{)";
        append_labels(set);
        buffer_ += R"(},"values":[)";
        entries_ = 0;
    }
    using push_encoder::add;
    void add(timestamp time, std::string_view line, const labels& metadata) override {
        before_last_ = buffer_.size();
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
    void undo() override {
        buffer_.resize(before_last_);
        --entries_;
    }
    std::size_t size() const noexcept override { return buffer_.size() + (streams_ != 0 ? 4 : 2); }
    std::string finish() override {
        size_before_ = size();
        std::string out;
        const bool is_small = size_before_ < buffer_.capacity() / 2;
        if (is_small)
            out.reserve(size_before_); // it takes no more than it needs
        end_stream();
        buffer_ += "]}";
        if (is_small)
            out = buffer_;
        else
            out = std::exchange(buffer_, {});
        clear();
        return out;
    }
    /// Keeps one.
    void reuse(std::string body) override {
        if (body.capacity() > spare_.capacity())
            spare_ = std::move(body);
    }

private:
    void clear() {
        buffer_ = R"({"streams":[)";
        streams_ = 0;
        entries_ = 0;
    }
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

    std::string buffer_, spare_;
    std::size_t streams_ = 0;
    std::size_t entries_ = 0;
    std::size_t before_last_ = 0;
    std::size_t size_before_ = 0;
};

} // namespace lokiship::loki

#endif
