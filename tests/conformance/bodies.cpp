#include "bodies.hpp"

#include <boost/crc.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lokiship::conformance {

namespace {

std::string little_endian(std::uint64_t n, unsigned bytes) {
    std::string out;
    for (unsigned i = 0; i != bytes; ++i)
        out += static_cast<char>(n >> (8 * i) & 255);
    return out;
}

std::string varint(std::uint64_t n) {
    std::string out;
    for (; n >= 128; n >>= 7)
        out += static_cast<char>((n & 127) | 128);
    return out += static_cast<char>(n);
}

std::string field(unsigned number, const std::string& bytes) {
    return varint(number << 3 | 2) + varint(bytes.size()) + bytes;
}

} // namespace

std::string json_string(const std::string& text) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += '\\';
        if (static_cast<unsigned char>(c) < 0x20)
            out.append("\\u00").append(1, hex[c >> 4]).append(1, hex[c & 15]);
        else
            out += c;
    }
    return out += '"';
}

std::string json(const std::vector<stream>& streams) {
    const auto object = [](const auto& pairs) {
        std::string out = "{";
        for (const auto& [name, value] : pairs)
            out += (out.size() == 1 ? "" : ",") + json_string(name) + ':' + json_string(value);
        return out += '}';
    };
    std::string out = R"({"streams":[)";
    for (const auto& s : streams) {
        out += (out.back() == '[' ? R"({"stream":)" : R"(,{"stream":)") + object(s.labels) + R"(,"values":[)";
        for (const auto& e : s.entries) {
            out += (out.back() == '[' ? "[\"" : ",[\"") + std::to_string(text::to_unix_nanoseconds(e.time)) +
                   "\"," + json_string(e.line);
            out += e.metadata.empty() ? "]" : ',' + object(e.metadata) + ']';
        }
        out += "]}";
    }
    return out += "]}";
}

std::string protobuf(const std::vector<std::pair<std::string, std::vector<entry>>>& streams) {
    std::string out;
    for (const auto& [labels, entries] : streams) {
        std::string s = field(1, labels);
        for (const auto& e : entries) {
            const std::int64_t ns = text::to_unix_nanoseconds(e.time), second = 1'000'000'000;
            std::string one = field(1, '\x08' + varint(static_cast<std::uint64_t>(ns / second)) + '\x10' +
                                           varint(static_cast<std::uint64_t>(ns % second))) +
                              field(2, e.line);
            for (const auto& [name, value] : e.metadata)
                one += field(3, field(1, name) + field(2, value));
            s += field(2, one);
        }
        out += field(1, s);
    }
    return snappy_block(out);
}

std::string label_text(const label_map& labels) {
    std::string out = "{";
    for (const auto& [name, value] : labels)
        out += (out.size() == 1 ? "" : ", ") + name + '=' + json_string(value);
    return out += '}';
}

std::string snappy_block(const std::string& plain) {
    std::string out = varint(plain.size());
    for (std::size_t at = 0; at < plain.size(); at += 60000) {
        const std::string part = plain.substr(at, 60000);
        out += static_cast<char>(61 << 2) + little_endian(part.size() - 1, 2) + part;
    }
    return out;
}

std::string deflate(const std::string& plain) {
    std::string out;
    for (std::size_t at = 0; at < plain.size() || out.empty(); at += 65535) {
        const std::string part = plain.substr(at, 65535);
        out += static_cast<char>(at + 65535 >= plain.size()) + little_endian(part.size(), 2) +
               little_endian(~part.size(), 2) + part;
    }
    return out;
}

std::string gzip(const std::string& plain) {
    using namespace std::string_literals;
    boost::crc_32_type crc;
    crc.process_bytes(plain.data(), plain.size());
    return "\x1f\x8b\x08\0\0\0\0\0\0\xff"s + deflate(plain) + little_endian(crc.checksum(), 4) +
           little_endian(plain.size(), 4);
}

} // namespace lokiship::conformance
