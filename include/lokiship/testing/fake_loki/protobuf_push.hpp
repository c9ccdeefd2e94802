#ifndef LOKISHIP_TESTING_FAKE_LOKI_PROTOBUF_PUSH_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_PROTOBUF_PUSH_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/fake_loki/push_body.hpp>

#include <protozero/pbf_reader.hpp>
#include <snappy.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

namespace detail {

/// Where Loki's own time type holds more than ours does, the nearest.
inline timestamp clamped_time(std::int64_t seconds, std::int32_t nanos) {
    const std::int64_t whole = std::clamp<std::int64_t>(seconds, -9'223'372'036, 9'223'372'035);
    return timestamp(std::chrono::seconds(whole) + std::chrono::nanoseconds(nanos));
}

inline timestamp read_protobuf_time(protozero::pbf_reader message) {
    std::int64_t seconds = 0;
    std::int32_t nanos = 0;
    while (message.next()) {
        if (message.tag_and_type() == protozero::tag_and_type(1, protozero::pbf_wire_type::varint))
            seconds = message.get_int64();
        else if (message.tag_and_type() == protozero::tag_and_type(2, protozero::pbf_wire_type::varint))
            nanos = message.get_int32();
        else
            message.skip();
    }
    // The years 1 to 9999.
    if (nanos < 0 || nanos >= 1'000'000'000 || seconds < -62'135'596'800 || seconds >= 253'402'300'800)
        throw protozero::exception();
    return clamped_time(seconds, nanos);
}

inline pushed_entry read_protobuf_entry(protozero::pbf_reader message) {
    constexpr auto bytes = protozero::pbf_wire_type::length_delimited;
    pushed_entry out;
    while (message.next()) {
        if (message.tag_and_type() == protozero::tag_and_type(1, bytes)) {
            out.time = read_protobuf_time(message.get_message());
        } else if (message.tag_and_type() == protozero::tag_and_type(2, bytes)) {
            out.line = message.get_string();
        } else if (message.tag_and_type() == protozero::tag_and_type(3, bytes)) {
            loki::label& l = out.metadata.emplace_back();
            auto pair = message.get_message();
            while (pair.next()) {
                if (pair.tag_and_type() == protozero::tag_and_type(1, bytes))
                    l.name = pair.get_string();
                else if (pair.tag_and_type() == protozero::tag_and_type(2, bytes))
                    l.value = pair.get_string();
                else
                    pair.skip();
            }
        } else {
            message.skip();
        }
    }
    return out;
}

} // namespace detail

/// Decodes a push in Loki's native encoding, `logproto.PushRequest` in a snappy block. Needs protozero and
/// snappy; give it to `fake_loki::decode_others_with`.
inline result<std::vector<pushed_stream>> decode_protobuf_push(std::string_view body) {
    std::string plain;
    if (!snappy::Uncompress(body.data(), body.size(), &plain))
        return detail::bad_push("snappy: corrupt input");
    constexpr auto bytes = protozero::pbf_wire_type::length_delimited;
    std::vector<pushed_stream> out;
    try {
        protozero::pbf_reader request(plain);
        while (request.next()) {
            if (request.tag_and_type() != protozero::tag_and_type(1, bytes)) {
                request.skip();
                continue;
            }
            pushed_stream& stream = out.emplace_back();
            auto message = request.get_message();
            while (message.next()) {
                if (message.tag_and_type() == protozero::tag_and_type(1, bytes))
                    stream.labels = message.get_string();
                else if (message.tag_and_type() == protozero::tag_and_type(2, bytes))
                    stream.entries.push_back(detail::read_protobuf_entry(message.get_message()));
                else
                    message.skip();
            }
        }
    } catch (const protozero::exception&) {
        return detail::bad_push("unexpected EOF");
    }
    return out;
}

} // namespace lokiship::testing

#endif
