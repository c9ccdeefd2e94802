#include <lokiship/http/gzip.hpp>
#include <lokiship/loki/gzip_encoder.hpp>
#include <lokiship/loki/json_encoder.hpp>

#include <iostream>
#include <memory>

int main() {
    using namespace lokiship;
    loki::gzip_encoder encoder(std::make_unique<loki::json_encoder>());
    encoder.begin_stream({{"job", "aoss"}});
    encoder.add({}, "a line");
    const auto plain = http::gunzip(encoder.finish(), 1000);
    std::cout << plain.value() << '\n';
    return plain->find("a line") != plain->npos ? 0 : 1;
}
