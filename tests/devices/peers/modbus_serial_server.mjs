// A Modbus TCP server around the npm package modbus-serial. Usage: node modbus_serial_server.mjs PORT SECONDS,
// with JS_PEERS naming the folder that holds node_modules. Registers hold their own address; from 1000 on there are none.
import { createRequire } from "module";
const require = createRequire(process.env.JS_PEERS + "/");
const Modbus = require("modbus-serial");
const refuse = (address) => {
  if (address < 1000) return;
  const error = new Error("no such address");
  error.modbusErrorCode = 2;
  throw error;
};
const vector = {
  getHoldingRegister: (address) => { refuse(address); return address; },
  getInputRegister: (address) => { refuse(address); return address + 1; },
  getCoil: (address) => address % 2 === 0,
  getDiscreteInput: (address) => address % 3 === 0,
};
new Modbus.ServerTCP(vector, { host: "127.0.0.1", port: +process.argv[2], debug: false, unitID: 1 });
setTimeout(() => process.exit(0), +process.argv[3] * 1000);
