#ifndef LOKISHIP_LOKI_PROTOBUF_ENCODER_HPP
#define LOKISHIP_LOKI_PROTOBUF_ENCODER_HPP

#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/push_encoder.hpp>
#include <lokiship/text/timestamp.hpp>

#include <protozero/pbf_writer.hpp>
#include <protozero/varint.hpp>
#include <snappy-sinksource.h>
#include <snappy.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace lokiship::loki {

/// Writes Loki's native encoding, `logproto.PushRequest` as one snappy block: smaller than JSON, and cheaper for both sides.
/// Needs protozero and snappy; `lokiship.hpp` does not include it.
class protobuf_encoder final : public push_encoder {
public:
    std::string_view content_type() const noexcept override { return "application/x-protobuf"; }

    void begin_stream(const labels& set) override {
        flush_stream();
        stream_.assign(longest_head, '\0');
        protozero::pbf_writer(stream_).add_string(1, to_string(set));
    }
    using push_encoder::add;
    void add(timestamp time, std::string_view line, const labels& metadata) override {
        before_last_ = stream_.size();
        const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
        const std::int64_t since_epoch = seconds.time_since_epoch().count();
        const auto nanoseconds = static_cast<std::int32_t>((time - seconds).count());
        const std::size_t time_size = number_size(static_cast<std::uint64_t>(since_epoch)) +
                                      number_size(static_cast<std::uint64_t>(nanoseconds));
        std::size_t size = bytes_size(time_size) + bytes_size(line.size());
        for (const auto& l : metadata)
            size += bytes_size(bytes_size(l.name.size()) + bytes_size(l.value.size()));
        // protozero's writer of an inner message that knows its size takes nothing behind that message.
        char head[max_head];
        char* end = head;
        const auto put = [&end](std::uint64_t n) {
            for (; n >= 0x80; n >>= 7)
                *end++ = static_cast<char>(n | 0x80);
            *end++ = static_cast<char>(n);
        };
        const auto flush = [&](std::string_view text) {
            stream_.append(head, static_cast<std::size_t>(end - head));
            stream_ += text;
            end = head;
        };
        put(bytes_field(2));
        put(size);
        put(bytes_field(1));
        put(time_size);
        if (since_epoch != 0) {
            put(number_field(1));
            put(static_cast<std::uint64_t>(since_epoch));
        }
        if (nanoseconds != 0) {
            put(number_field(2));
            put(static_cast<std::uint64_t>(nanoseconds));
        }
        put(bytes_field(2));
        put(line.size());
        flush(line);
        for (const auto& l : metadata) {
            put(bytes_field(3));
            put(bytes_size(l.name.size()) + bytes_size(l.value.size()));
            put(bytes_field(1));
            put(l.name.size());
            flush(l.name);
            put(bytes_field(2));
            put(l.value.size());
            flush(l.value);
        }
    }
    void undo() override { stream_.resize(before_last_); }
    std::size_t size() const noexcept override { return request_.size() + stream_.size(); }
    std::string finish() override {
        std::string_view whole = end_stream();
        if (!request_.empty()) {
            request_ += whole;
            whole = request_;
        }
        // Piece by piece: what a body takes at most is several times what it does take.
        std::string out;
        snappy::ByteArraySource source(whole.data(), whole.size());
        string_sink sink(out);
        snappy::Compress(&source, &sink);
        request_.clear();
        stream_.clear();
        return out;
    }

private:
    class string_sink : public snappy::Sink {
    public:
        explicit string_sink(std::string& to) noexcept
            : to_(to) {}
        void Append(const char* bytes, std::size_t n) override { to_.append(bytes, n); }

    private:
        std::string& to_;
    };

    /// A tag and a length of 32 bits.
    static constexpr std::size_t longest_head = 1 + 5;

    /// Of an entry, up to its line: seven tags and numbers.
    static constexpr std::size_t max_head = 7 * (1 + 10);

    /// What stands before a field.
    static constexpr std::uint64_t bytes_field(std::uint64_t number) noexcept { return number << 3 | 2; }
    static constexpr std::uint64_t number_field(std::uint64_t number) noexcept { return number << 3; }
    /// Of a field; one that is zero is left out.
    static std::size_t number_size(std::uint64_t n) noexcept {
        return n == 0 ? 0 : 1 + static_cast<std::size_t>(protozero::length_of_varint(n));
    }
    static std::size_t bytes_size(std::size_t n) noexcept {
        return 1 + static_cast<std::size_t>(protozero::length_of_varint(n)) + n;
    }

    /// Writes the head into the room that was left for it, so that its end meets the stream; both together.
    std::string_view end_stream() {
        if (stream_.empty())
            return {};
        std::string head;
        protozero::pbf_writer(head).add_string(1, "");
        head.pop_back();
        protozero::add_varint_to_buffer(&head, stream_.size() - longest_head);
        const std::size_t begin = longest_head - head.size();
        stream_.replace(begin, head.size(), head);
        return std::string_view(stream_).substr(begin);
    }
    void flush_stream() {
        request_ += end_stream();
        stream_.clear();
    }

    /// The streams that have ended, and the one that is written, behind room for its head.
    std::string request_, stream_;
    std::size_t before_last_ = 0;
};

} // namespace lokiship::loki

#endif
