package org.apache.zookeeper.server;

import compat.shim.ProcessCnxnFactory;

/** Stands in front of ZooKeeper's own class of this name: the server is a process. */
public class NettyServerCnxnFactory extends ProcessCnxnFactory {}
