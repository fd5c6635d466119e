/* rabbitmq-c's headers under the names that the installed version has; meson.build looks which.
 * Not to be included outside chassis/rabbitmq. */
#pragma once

#ifdef CARTWHEEL_OLD_AMQP_HEADERS /* librabbitmq before 0.12 has no other names, */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#else /* and later ones warn about them. */
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#endif
