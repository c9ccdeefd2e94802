#ifndef LOKISHIP_HTTP_DETAIL_SINK_BODY_HPP
#define LOKISHIP_HTTP_DETAIL_SINK_BODY_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lokiship::http::detail {

/// A Beast body that hands what arrives to a `body_sink`, without a copy.
struct sink_body {
    struct value_type {
        const body_sink* sink = nullptr;
        /// The parser's own header, complete when the body starts.
        const boost::beast::http::response_header<>* header = nullptr;
        response_head head{};
        std::uint64_t received = 0;
        std::optional<error> failure{};

        /// Takes the head over; false, with `failure` set, where the body cannot be read.
        bool take_head() {
            head.status = header->result_int();
            for (const auto& f : *header) {
                const std::string_view name(f.name_string().data(), f.name_string().size());
                const std::string_view value(f.value().data(), f.value().size());
                if (f.name() == boost::beast::http::field::content_encoding && !value.empty() &&
                    !boost::algorithm::iequals(value, "identity"))
                    failure = error(errc::unsupported_content_encoding,
                                    "the answer has the Content-Encoding '" +
                                        text::escape_for_log(value, 40) + "', which was not asked for");
                head.fields.add(std::string(name), std::string(value));
            }
            return !failure;
        }
    };

    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(boost::beast::http::header<IsRequest, Fields>&, value_type& value)
            : value_(value) {}
        void init(const boost::optional<std::uint64_t>&, error_code& ec) {
            ec = {};
            if (!value_.take_head())
                ec = boost::asio::error::operation_aborted;
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& ec) {
            ec = {};
            std::size_t taken = 0;
            for (auto at = boost::asio::buffer_sequence_begin(buffers);
                 at != boost::asio::buffer_sequence_end(buffers); ++at) {
                const boost::asio::const_buffer b = *at;
                if (b.size() == 0)
                    continue;
                value_.received += b.size();
                if (*value_.sink) {
                    const std::string_view chunk(static_cast<const char*>(b.data()), b.size());
                    if (const auto r = (*value_.sink)(value_.head, chunk); !r) {
                        value_.failure = r.error();
                        ec = boost::asio::error::operation_aborted;
                        return taken;
                    }
                }
                taken += b.size();
            }
            return taken;
        }
        void finish(error_code& ec) { ec = {}; }

    private:
        value_type& value_;
    };
};

} // namespace lokiship::http::detail

#endif
