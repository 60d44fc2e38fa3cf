/* A Modbus TCP server around libmodbus, for several clients. Usage: libmodbus_server PORT SECONDS
 * holding 0: state (3 set-up, 1 running)   holding 5: a 16-bit counter that starts at 65500 and wraps
 * holding 6-7: 60.5 as the library writes it "abcd", 8-9 "cdab", 10-11 "badc", 12-13 "dcba"
 * holding 100-999: their own address       input 0-99: address + 7      coil n: n is even */
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  double begun = now(), end = begun + atof(argv[2]);
  modbus_t *bus = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
  modbus_mapping_t *map = modbus_mapping_new(64, 64, 1000, 100);
  int listener = modbus_tcp_listen(bus, 16);
  if (listener < 0) { perror("listen"); return 1; }
  for (int i = 100; i < 1000; i++) map->tab_registers[i] = i;
  for (int i = 0; i < 100; i++) map->tab_input_registers[i] = i + 7;
  for (int i = 0; i < 64; i++) map->tab_bits[i] = i % 2 == 0;
  modbus_set_float_abcd(60.5f, map->tab_registers + 6);
  modbus_set_float_cdab(60.5f, map->tab_registers + 8);
  modbus_set_float_badc(60.5f, map->tab_registers + 10);
  modbus_set_float_dcba(60.5f, map->tab_registers + 12);
  fd_set all;
  FD_ZERO(&all);
  FD_SET(listener, &all);
  int highest = listener;
  while (now() < end) {
    fd_set ready = all;
    struct timeval wait = {0, 50000};
    double t = now() - begun;
    map->tab_registers[0] = t < 1 ? 3 : 1;
    map->tab_registers[5] = (uint16_t)(65500 + (unsigned)(t * 20));
    if (select(highest + 1, &ready, 0, 0, &wait) <= 0) continue;
    for (int fd = 0; fd <= highest; fd++) {
      if (!FD_ISSET(fd, &ready)) continue;
      if (fd == listener) {
        int client = modbus_tcp_accept(bus, &listener);
        if (client >= 0) { FD_SET(client, &all); if (client > highest) highest = client; }
        continue;
      }
      uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
      modbus_set_socket(bus, fd);
      int length = modbus_receive(bus, query);
      if (length > 0) modbus_reply(bus, query, length, map);
      else if (length < 0) { close(fd); FD_CLR(fd, &all); }
    }
  }
  return 0;
}
