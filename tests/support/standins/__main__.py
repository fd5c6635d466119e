"""python3 -m support.standins order|stock|notification; STANDIN_* and the two URLs come by the environment."""

import os
import sys

from support.standins import notification, order, stock

SERVICES = {"order": order, "stock": stock, "notification": notification}

SERVICES[sys.argv[1]].run(
    database_url=os.environ["DATABASE_URL"], amqp_url=os.environ["AMQP_URL"],
    crash=os.environ.get("STANDIN_CRASH", ""), idle_s=float(os.environ.get("STANDIN_IDLE_S", "1")),
    sender_url=os.environ.get("STANDIN_SENDER_URL"))
