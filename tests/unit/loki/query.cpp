#include <lokiship/loki/query.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(query)

using namespace lokiship;

BOOST_AUTO_TEST_CASE(a_request_names_stream_time_and_limit) {
    const auto r = loki::query_range_request(R"({d="ü"})", text::from_unix_nanoseconds(5),
                                             text::from_unix_nanoseconds(1'700'000'000'000'000'007), 42);
    BOOST_TEST(r.target ==
               "/loki/api/v1/query_range?direction=forward&limit=42&start=1970-01-01T00%3A00%3A00.000000005Z&"
               "end=2023-11-14T22%3A13%3A20.000000007Z&query=%7Bd%3D%22%C3%BC%22%7D");
    BOOST_CHECK(r.verb == http::method::get);
}

BOOST_AUTO_TEST_CASE(an_answer_gives_each_streams_entries_by_time) {
    const auto got =
        loki::read_query_answer(R"({"status":"success","data":{"resultType":"streams","result":[)"
                                R"({"stream":{"a":"b","detected_level":"\u00fc"},)"
                                R"("values":[["7","x"],["5","y",{"structuredMetadata":{"k":"v"}}]]},)"
                                R"({"stream":{"a":"c"},"values":[["6","<\u00e4>"]]}],"stats":{}}})");
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST_REQUIRE(got->size() == 2u);
    const auto &first = (*got)[0], &second = (*got)[1];
    BOOST_CHECK((first.labels == loki::labels{{"a", "b"}, {"detected_level", "ü"}}));
    BOOST_CHECK((second.labels == loki::labels{{"a", "c"}}));
    BOOST_TEST_REQUIRE(first.entries.size() == 2u);
    BOOST_TEST_REQUIRE(second.entries.size() == 1u);
    BOOST_TEST(first.entries[0].line == "y");
    BOOST_TEST(first.entries[1].line == "x");
    BOOST_TEST(second.entries[0].line == "<ä>");
    BOOST_TEST(text::to_unix_nanoseconds(first.entries[1].time) == 7);
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_is_named) {
    const struct {
        std::string_view body, part;
    } table[] = {
        {"", "incomplete"},
        {"<html>", "syntax"},
        {"{}", "no data.result"},
        {R"({"data":{"result":{}}})", "no data.result"},
        {R"({"data":{"result":[{}]}})", "no labels"},
        {R"({"data":{"result":[{"stream":{"a":1}}]}})", "no labels"},
        {R"({"data":{"result":[{"stream":{}}]}})", "no values"},
        {R"({"data":{"result":[{"stream":{},"values":[["1"]]}]}})", "no pair of strings"},
        {R"({"data":{"result":[{"stream":{},"values":[[1,"x"]]}]}})", "no pair of strings"},
        {R"({"data":{"result":[{"stream":{},"values":[["1x","x"]]}]}})", "no integer"},
    };
    for (const auto& t : table) {
        const auto got = loki::read_query_answer(t.body);
        BOOST_TEST_REQUIRE(got.has_error());
        BOOST_CHECK(got.error().code == errc::unexpected_answer);
        BOOST_TEST(got.error().message.find(t.part) != std::string::npos, got.error().message);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_takes_no_more_memory_than_it_may) {
    for (const char* piece : {"[],", "1,", "{},", "[[]],"}) {
        std::string body = R"({"data":{"result":[)";
        while (body.size() < 8 * 1024 * 1024)
            body += piece;
        body += "1]}}";
        for (const auto& got :
             {loki::read_query_answer(body).has_error(),
              loki::read_series_answer(R"({"status":"success",)" + body.substr(1)).has_error()})
            BOOST_TEST(got);
        BOOST_TEST(loki::read_query_answer(body).error().message ==
                   "the answer to a query is not as Loki's: it takes too much memory to read");
    }
    // As much as there may be of what makes sense.
    std::string body = R"({"data":{"result":[{"stream":{"job":"aoss"},"values":[)";
    for (std::size_t i = 0; i != 5000; ++i)
        body += R"(["1700000000000000000",")" + std::string(400, 'x') + "\"],";
    body.back() = ']';
    BOOST_TEST(loki::read_query_answer(body + "}]}}").value().at(0).entries.size() == 5000u);
}

BOOST_AUTO_TEST_SUITE_END()
