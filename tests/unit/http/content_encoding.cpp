#include "gzip_text.hpp"
#include "http/exchange_fixture.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(content_encoding)

using namespace lokiship;
using namespace std::string_literals;

namespace {

reply gzipped(std::string_view text, std::string_view encoding = "gzip") {
    return {200, {{"Content-Encoding", std::string(encoding)}}, gzip_text(text)};
}

std::string head(std::string_view fields) {
    return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n\r\n";
}

} // namespace

BOOST_AUTO_TEST_CASE(gzip_is_asked_for_unless_the_request_says_otherwise) {
    fixture f;
    call other, none;
    other.request.fields = {{"accept-encoding", "identity"}};
    none.request.fields = {{"Accept-Encoding", ""}};
    f.get("/");
    f.run({&other});
    f.run({&none});
    const auto sent = [&](std::size_t i) {
        std::string out;
        for (const auto& [name, value] : f.seen.at(i).fields)
            if (boost::algorithm::iequals(name, "Accept-Encoding"))
                out += '[' + value + ']';
        return out;
    };
    BOOST_TEST(sent(0) == "[gzip]");
    BOOST_TEST(sent(1) == "[identity]");
    BOOST_TEST(sent(2) == "[]");
}

BOOST_AUTO_TEST_CASE(a_gzip_answer_is_decoded_as_it_streams) {
    std::string text;
    for (int i = 0; i != 100'000; ++i)
        text += "{\"step\":" + std::to_string(i) + "}\n";
    for (std::size_t chunk_size : {0u, 1u, 700u, 50'000u})
        BOOST_TEST_CONTEXT("chunk size " << chunk_size) {
            http_server_options options;
            options.chunk_size = chunk_size;
            fixture f(options);
            // Byte by byte takes its time.
            const std::string_view part =
                std::string_view(text).substr(0, chunk_size == 1 ? 20'000 : text.size());
            f.handle = [&](const http::request&) { return gzipped(part); };
            std::size_t longest = 0;
            call c;
            c.sink = [&](const http::response_head& h, std::string_view chunk) -> result<void> {
                BOOST_TEST(h.fields.get("Content-Encoding") == "gzip");
                longest = std::max(longest, chunk.size());
                c.body += chunk;
                return {};
            };
            f.run({&c});
            BOOST_TEST(c.status() == 200u);
            BOOST_TEST((c.body == part));
            BOOST_TEST(longest <= 32u * 1024);
            BOOST_TEST((f.get("/").body == part));
            BOOST_TEST(f.server.connections() == 1u);
        }
}

BOOST_AUTO_TEST_CASE(names_of_encodings) {
    fixture f;
    for (const std::string name : {"gzip", "GZip", "x-gzip"}) {
        f.handle = [&](const http::request&) { return gzipped("text", name); };
        BOOST_TEST(f.get("/").body == "text");
    }
    for (const std::string name : {"Identity", ""}) {
        f.handle = [&](const http::request&) { return reply{200, {{"Content-Encoding", name}}, "text"}; };
        BOOST_TEST(f.get("/").body == "text");
    }
    for (const std::string name : {"br", "deflate", "gzip, gzip", "x\\y"}) {
        f.handle = [&](const http::request&) { return gzipped("text", name); };
        const call c = f.get("/");
        BOOST_TEST(c.failure().code == errc::unsupported_content_encoding);
        BOOST_TEST(c.failure().message == f.server.url() + ": the answer has the Content-Encoding '" +
                                              text::escape_for_log(name) + "'; only gzip is understood");
        BOOST_TEST(c.body == "");
        BOOST_TEST(f.transport.idle_connections() == 0u);
    }
    f.handle = [](const http::request&) {
        return reply{200, {{"Content-Encoding", "gzip"}, {"Content-Encoding", "gzip"}}, "x"};
    };
    BOOST_TEST(f.get("/").failure().code == errc::unsupported_content_encoding);
}

BOOST_AUTO_TEST_CASE(an_answer_without_a_body_needs_no_gzip) {
    http_server_options options;
    for (unsigned status : {200u, 204u, 304u})
        for (std::size_t chunk_size : {0u, 10u}) {
            options.chunk_size = chunk_size;
            fixture f(options);
            f.handle = [&](const http::request&) {
                return reply{status, {{"Content-Encoding", "gzip"}}, ""};
            };
            const call c = f.get("/");
            BOOST_TEST(c.status() == status);
            BOOST_TEST(c.body == "");
            BOOST_TEST(f.transport.idle_connections() == 1u);
        }
}

BOOST_AUTO_TEST_CASE(what_does_not_decode_is_an_error) {
    const std::string text(1000, 'x'), good = gzip_text(text);
    const std::string half = good.substr(0, good.size() - 4);
    std::string wrong = good;
    wrong[wrong.size() - 8] = static_cast<char>(wrong[wrong.size() - 8] ^ 1);
    const auto sized = [](const std::string& body) {
        return head("Content-Encoding: gzip\r\nContent-Length: " + std::to_string(body.size())) + body;
    };
    const struct {
        std::string_view name;
        std::string answer;
        error_code code;
        std::string message;
    } table[] = {
        {"no gzip", sized("{}"), errc::corrupt_content_encoding, "gzip: no gzip header at byte 0"},
        {"wrong checksum", sized(wrong), errc::corrupt_content_encoding, "gzip: the checksum does not match"},
        {"garbage behind", sized(good + "x"), errc::corrupt_content_encoding,
         "gzip: something follows the end at byte " + std::to_string(good.size())},
        {"cut off before it was sent", sized(half), errc::corrupt_content_encoding,
         "gzip: ends too early, after " + std::to_string(half.size()) + " bytes"},
        {"cut off with the connection", head("Content-Encoding: gzip") + half, errc::corrupt_content_encoding,
         "gzip: ends too early, after " + std::to_string(half.size()) + " bytes"},
        {"cut off within its length", head("Content-Encoding: gzip\r\nContent-Length: 999") + half,
         boost::beast::http::error::partial_message,
         "the answer broke off after " + std::to_string(half.size()) + " bytes"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.name) {
            fixture f;
            raw_server raw(f.context, {t.answer});
            http::beast_transport transport(f.context.get_executor(), raw.url());
            call c;
            f.run(transport, {&c});
            BOOST_TEST(c.failure().code == t.code, c.failure().code.message());
            BOOST_TEST(c.failure().message == raw.url().display() + ": " + t.message);
            BOOST_TEST(text.starts_with(c.body));
            BOOST_TEST(transport.idle_connections() == 0u);
        }
    fixture f;
    raw_server raw(f.context, {head("Content-Encoding: gzip") + good});
    http::beast_transport transport(f.context.get_executor(), raw.url());
    call c;
    f.run(transport, {&c});
    BOOST_TEST((c.body == text));
}

BOOST_AUTO_TEST_CASE(the_limit_is_one_of_decoded_bytes) {
    const std::string small = "ab", big(100'000, 'x');
    for (std::size_t chunk_size : {0u, 10u})
        BOOST_TEST_CONTEXT("chunk size " << chunk_size) {
            http_server_options options;
            options.chunk_size = chunk_size;
            fixture f(options);
            call fits, over, tiny;
            fits.request.max_response_size = big.size();
            over.request.max_response_size = big.size() - 1;
            tiny.request.max_response_size = small.size();
            f.handle = [&](const http::request&) { return gzipped(big); };
            f.run({&fits});
            BOOST_TEST((fits.body == big));
            f.run({&over});
            BOOST_TEST(over.failure().code == errc::response_too_large);
            BOOST_TEST(over.failure().message == f.server.url() + ": the answer is larger than 99999 bytes");
            BOOST_TEST(over.body.size() <= 99'999u);
            BOOST_TEST(f.transport.idle_connections() == 0u);
            // Which is longer encoded than decoded.
            f.handle = [&](const http::request&) { return gzipped(small); };
            f.run({&tiny});
            BOOST_TEST(tiny.body == small);
        }
}

BOOST_AUTO_TEST_CASE(a_bomb_is_stopped) {
    std::string bomb;
    const std::string zeros = gzip_text(std::string(2'000'000, '\0'));
    for (int i = 0; i != 500; ++i)
        bomb += zeros;
    fixture f;
    f.handle = [&](const http::request&) { return reply{200, {{"Content-Encoding", "gzip"}}, bomb}; };
    std::size_t got = 0;
    call c;
    c.request.max_response_size = 3'000'000;
    c.sink = [&](const http::response_head&, std::string_view chunk) -> result<void> {
        got += chunk.size();
        return {};
    };
    f.run({&c});
    BOOST_TEST(c.failure().code == errc::response_too_large);
    BOOST_TEST(got <= 3'000'000u);
}

BOOST_AUTO_TEST_CASE(what_decodes_to_nothing_is_limited_too) {
    std::string nothing;
    for (int i = 0; i != 10'000; ++i)
        nothing += gzip_text("");
    fixture f;
    f.handle = [&](const http::request&) { return reply{200, {{"Content-Encoding", "gzip"}}, nothing}; };
    call c, free;
    c.request.max_response_size = 1000;
    f.run({&c});
    BOOST_TEST(c.failure().code == errc::response_too_large);
    f.run({&free});
    BOOST_TEST(free.status() == 200u);
    BOOST_TEST(free.body == "");
}

BOOST_AUTO_TEST_CASE(the_sink_ends_a_gzip_answer_as_any_other) {
    fixture f;
    f.handle = [](const http::request&) { return gzipped("text"); };
    call c, thrower;
    c.sink = [](const http::response_head&, std::string_view) -> result<void> {
        return error(errc::corrupt_content_encoding, "no page");
    };
    f.run({&c});
    BOOST_TEST(c.failure().message == "no page");
    thrower.sink = [](const http::response_head&, std::string_view) -> result<void> {
        throw std::logic_error("thrown");
    };
    BOOST_CHECK_THROW(f.run({&thrower}), std::logic_error);
    BOOST_TEST(f.transport.idle_connections() == 0u);
    BOOST_TEST(f.get("/").body == "text");
}

BOOST_AUTO_TEST_SUITE_END()
