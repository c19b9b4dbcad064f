# SPDX-License-Identifier: Apache-2.0
"""A party's Spark, as its owner runs it for longer than one question: python spark_service.py SOCKET FOLDER

Answers what a node asks, of the rows in a folder of Parquet files, with one part of them. Needs pyspark and Java."""

import itertools
import os
import socket
import sys

import sotto.spark
from pyspark.sql import SparkSession


def receive(connection):
    asked = b""
    while piece := connection.recv(1 << 16):
        asked += piece
    return asked.decode()


def main(path, folder):
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.host", "127.0.0.1").config("spark.sql.shuffle.partitions", "3").getOrCreate()
    session.read.parquet(folder).count()  # the first job takes some seconds
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        for i in itertools.count():
            connection, _ = server.accept()
            with connection:
                asked = receive(connection)
                frame = session.read.parquet(folder).repartition(i % 3 + 1)  # each round has its own
                connection.sendall(sotto.spark.part(frame, asked, snapshot="v1"))


main(*sys.argv[1:])
