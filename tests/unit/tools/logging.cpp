#include "common/logging.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <spdlog/sinks/ostream_sink.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <string>

BOOST_AUTO_TEST_SUITE(logging)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

std::string written(const std::string& format, spdlog::level::level_enum level, const std::string& text,
                    std::chrono::milliseconds at = 1'795'000'000'007ms) {
    std::ostringstream out;
    spdlog::logger logger("shipd", std::make_shared<spdlog::sinks::ostream_sink_st>(out));
    logger.set_formatter(tools::make_formatter(format));
    logger.log(spdlog::log_clock::time_point(at), spdlog::source_loc(), level, text);
    return out.str();
}

} // namespace

BOOST_AUTO_TEST_CASE(text_is_for_people) {
    BOOST_TEST(written("text", spdlog::level::info, "hello") == "2026-11-18T11:06:40.007Z info    hello\n");
}

BOOST_AUTO_TEST_CASE(logfmt_quotes_the_message) {
    BOOST_TEST(written("logfmt", spdlog::level::warn, "a \"b\" c=\\") ==
               "ts=2026-11-18T11:06:40.007Z level=warn tool=shipd msg=\"a \\\"b\\\" c=\\\\\"\n");
    BOOST_TEST(written("logfmt", spdlog::level::info, "x", 1'795'000'000'000ms) ==
               "ts=2026-11-18T11:06:40.000Z level=info tool=shipd msg=\"x\"\n");
}

BOOST_AUTO_TEST_CASE(json_is_an_object_a_line) {
    for (const std::string text : {"plain", "a \"b\"\n\x01 é", "\xff\xfe broken", ""}) {
        const std::string line = written("json", spdlog::level::err, text);
        BOOST_TEST(line.find('\n') == line.size() - 1);
        const auto read = boost::json::parse(line).as_object();
        BOOST_TEST(read.at("level").as_string() == "error");
        BOOST_TEST(read.at("tool").as_string() == "shipd");
        BOOST_TEST(read.at("ts").as_string() == "2026-11-18T11:06:40.007Z");
        if (text.find('\xff') == text.npos)
            BOOST_TEST(std::string(read.at("msg").as_string()) == text);
    }
}

BOOST_AUTO_TEST_SUITE_END()
