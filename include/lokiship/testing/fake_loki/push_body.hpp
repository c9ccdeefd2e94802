#ifndef LOKISHIP_TESTING_FAKE_LOKI_PUSH_BODY_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_PUSH_BODY_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/gzip.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/json_value.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <boost/beast/zlib/inflate_stream.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// An entry as it was pushed.
struct pushed_entry {
    timestamp time = go::no_time;
    std::string line{};
    /// Structured metadata.
    label_list metadata{};
};

/// A stream as it was pushed.
struct pushed_stream {
    /// Not parsed yet.
    std::string labels{};
    std::vector<pushed_entry> entries{};
};

/// Decodes a body whose type is not JSON; the error's message is the answer's text.
using push_decoder = std::function<result<std::vector<pushed_stream>>(std::string_view)>;

namespace detail {

inline error bad_push(std::string text) {
    return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument), std::move(text)};
}

/// Reads what `encoding/json` and `jsonparser` make of a push in JSON.
class json_push_reader {
public:
    explicit json_push_reader(loki_version version)
        : version_(version) {}

    result<std::vector<pushed_stream>> read(std::string_view body) const {
        using kind = json_value::kind;
        if (body.find_first_not_of(" \t\r\n") == body.npos)
            return bad_push("EOF");
        const auto root = read_json_value(body);
        if (!root || (root->type != kind::object && root->type != kind::null))
            return fail("expect { or n");
        std::vector<pushed_stream> out;
        const json_value* streams = nullptr;
        for (std::size_t i = 0; i != root->names.size(); ++i)
            if (boost::algorithm::iequals(root->names[i], "streams"))
                streams = &root->items[i];
        if (!streams || streams->type == kind::null)
            return out;
        if (streams->type != kind::array)
            return fail("expect [ or n");
        for (const auto& s : streams->items) {
            auto one = stream(s);
            if (!one)
                return one.error();
            out.push_back(std::move(*one));
        }
        return out;
    }

private:
    static error fail(const std::string& what) { return bad_push("loghttp.PushRequest.Streams: " + what); }

    result<pushed_stream> stream(const json_value& v) const {
        using kind = json_value::kind;
        if (v.type != kind::object)
            return fail("a stream is no object");
        pushed_stream out;
        std::map<std::string, std::string> labels;
        if (const auto* set = v.find("stream")) {
            if (set->type != kind::object)
                return fail("labels are no object");
            for (std::size_t i = 0; i != set->names.size(); ++i) {
                auto value = label_value(set->items[i]);
                if (!value)
                    return value.error();
                labels[set->names[i]] = std::move(*value);
            }
        }
        for (const auto& [name, value] : labels)
            out.labels += (out.labels.empty() ? "" : ", ") + name + '=' + go::quote(value);
        out.labels = '{' + out.labels + '}';
        const auto* values = v.find("values");
        if (!values || values->type == kind::null)
            return out;
        if (values->type != kind::array)
            return fail("values are no array");
        for (const auto& e : values->items) {
            if (e.type == kind::null)
                continue;
            auto one = entry(e);
            if (!one)
                return one.error();
            out.entries.push_back(std::move(*one));
        }
        return out;
    }
    result<std::string> label_value(const json_value& v) const {
        if (v.type == json_value::kind::string)
            return text(v, version_ == loki_version::v3);
        if (version_ == loki_version::v2_9)
            return fail("a label value is no string");
        return std::string(v.raw);
    }
    static result<std::string> text(const json_value& v, bool decode) {
        if (v.type != json_value::kind::string)
            return fail("expected a string");
        if (!decode)
            return std::string(v.raw);
        auto out = decode_json_string(v.raw);
        if (!out)
            return fail("bad escape");
        return std::move(*out);
    }
    result<pushed_entry> entry(const json_value& v) const {
        using kind = json_value::kind;
        if (v.type != kind::array)
            return fail("an entry is no array");
        pushed_entry out;
        if (!v.items.empty()) {
            auto t = time(v.items[0]);
            if (!t)
                return t.error();
            out.time = *t;
        }
        if (v.items.size() > 1) {
            auto line = text(v.items[1], true);
            if (!line)
                return line.error();
            out.line = std::move(*line);
        }
        if (v.items.size() > 2) {
            const json_value& metadata = v.items[2];
            if (metadata.type != kind::object)
                return fail("metadata are no object");
            for (std::size_t i = 0; i != metadata.names.size(); ++i) {
                auto value = text(metadata.items[i], version_ == loki_version::v3);
                if (!value)
                    return value.error();
                out.metadata.push_back({metadata.names[i], std::move(*value)});
            }
        }
        return out;
    }
    /// A sign alone is zero, in Loki too.
    result<timestamp> time(const json_value& v) const {
        std::string_view digits = v.raw;
        const bool negative = digits.starts_with('-');
        digits.remove_prefix(negative);
        if (v.type != json_value::kind::string || v.raw.empty() ||
            digits.find_first_not_of("0123456789") != digits.npos)
            return fail("a time is no integer in a string");
        if (version_ == loki_version::v3 && digits.size() > 1 && digits.front() == '0')
            return fail("a time begins with a zero");
        std::int64_t ns = 0;
        if (!digits.empty() &&
            std::from_chars(v.raw.data(), v.raw.data() + v.raw.size(), ns).ec != std::errc())
            return fail("a time is too large");
        return text::from_unix_nanoseconds(ns);
    }

    loki_version version_;
};

/// Raw DEFLATE.
inline result<std::string> inflate(std::string_view in) {
    boost::beast::zlib::inflate_stream stream;
    boost::beast::zlib::z_params p;
    p.next_in = in.data();
    p.avail_in = in.size();
    std::string out;
    error_code ec;
    while (!ec) {
        char part[16 * 1024];
        p.next_out = part;
        p.avail_out = sizeof part;
        stream.write(p, boost::beast::zlib::Flush::sync, ec);
        out.append(part, sizeof part - p.avail_out);
    }
    if (ec != boost::beast::zlib::error::end_of_stream)
        return bad_push("unexpected EOF");
    return out;
}

inline result<std::string> decompress(const http::request& r) {
    const std::string_view encoding = r.fields.get("Content-Encoding");
    if (encoding.empty() || encoding == "snappy")
        return r.body;
    if (encoding == "deflate")
        return inflate(r.body);
    if (encoding != "gzip")
        return bad_push("Content-Encoding " + go::quote(encoding) + " not supported");
    auto out = http::gunzip(r.body, 1 << 30);
    if (!out)
        return bad_push("gzip: invalid header");
    return out;
}

/// The media type in lower case.
inline result<std::string> media_type(std::string_view content_type) {
    const auto semicolon = content_type.find(';');
    std::string type(content_type.substr(0, semicolon));
    boost::algorithm::trim(type);
    boost::algorithm::to_lower(type);
    if (type.empty())
        return bad_push("mime: no media type");
    const auto slash = type.find('/');
    if (slash != type.npos && type.find_first_of("/ ", slash + 1) != type.npos)
        return bad_push("mime: unexpected content after media subtype");
    if (semicolon != content_type.npos) {
        const std::string_view parameters = content_type.substr(semicolon + 1);
        if (parameters.find_first_not_of(" ;") != parameters.npos && parameters.find('=') == parameters.npos)
            return bad_push("mime: invalid media parameter");
    }
    return type;
}

} // namespace detail

/// Decodes the body of a push, all or nothing. The error's message is the text of the 400.
///
/// JSON is read as Loki does, plain, gzipped or deflated; everything else goes to `other`.
inline result<std::vector<pushed_stream>> decode_push(const http::request& r, loki_version version,
                                                      const push_decoder& other) {
    const auto body = detail::decompress(r);
    if (!body)
        return body.error();
    const auto type = detail::media_type(r.fields.get("Content-Type"));
    if (!type)
        return type.error();
    if (*type == "application/json")
        return detail::json_push_reader(version).read(*body);
    return other(*body);
}

} // namespace lokiship::testing

#endif
