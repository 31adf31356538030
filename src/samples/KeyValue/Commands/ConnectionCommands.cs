using System.Security.Cryptography;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>Commands on the connection itself.</summary>
internal static class ConnectionCommands
{
    public static void Ping(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count == 1)
        {
            reply.Raw("+PONG\r\n"u8);
        }
        else if (call.Count == 2)
        {
            reply.Bulk(call[1]);
        }
        else
        {
            call.Fail(ref reply, Errors.Arity(call.Command));
        }
    }

    public static void Echo(scoped in CommandCall call, ref RespWriter reply) => reply.Bulk(call[1]);

    public static void Quit(scoped in CommandCall call, ref RespWriter reply)
    {
        reply.Ok();
        call.Session.CloseAfterReply();
    }

    public static void Select(scoped in CommandCall call, ref RespWriter reply)
    {
        if (KeyCommands.TryDatabase(in call, 1, out int number, ref reply))
        {
            call.Session.DatabaseNumber = number;
            reply.Ok();
        }
    }

    public static void Auth(scoped in CommandCall call, ref RespWriter reply)
    {
        if (call.Count > 3)
        {
            call.Fail(ref reply, Errors.Syntax);
            return;
        }
        if (call.Count == 2 && call.Server.Password is null)
        {
            call.Fail(ref reply, Errors.NoPassword);
            return;
        }
        if (Authenticate(in call, call.Count == 3 ? call[1] : "default"u8, call[^1], ref reply))
        {
            reply.Ok();
        }
    }

    public static void Hello(scoped in CommandCall call, ref RespWriter reply)
    {
        int version = call.Session.Version;
        if (call.Count > 1)
        {
            if (!Integers.TryParse(call[1], out long wanted))
            {
                call.Fail(ref reply, "ERR Protocol version is not an integer or out of range"u8);
                return;
            }
            if (wanted is < 2 or > 3)
            {
                call.Fail(ref reply, "NOPROTO unsupported protocol version"u8);
                return;
            }
            version = (int)wanted;
        }
        int user = 0;
        int name = 0;
        for (int i = 2; i < call.Count; i++)
        {
            if (call.Is(i, "AUTH"u8) && i + 2 < call.Count)
            {
                user = i + 1;
                i += 2;
            }
            else if (call.Is(i, "SETNAME"u8) && i + 1 < call.Count)
            {
                name = ++i;
                if (!ClientCommands.IsName(call[name]))
                {
                    call.Fail(ref reply, Errors.ClientName);
                    return;
                }
            }
            else
            {
                call.Fail(ref reply, $"ERR Syntax error in HELLO option '{Errors.Quote(call[i])}'");
                return;
            }
        }
        if (user != 0 && !Authenticate(in call, call[user], call[user + 1], ref reply))
        {
            return;
        }
        if (!call.Session.IsAuthenticated)
        {
            call.Fail(ref reply, "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"u8);
            return;
        }
        if (name != 0)
        {
            call.Session.Name = call[name].ToArray();
        }
        reply.Version = call.Session.Version = version;
        reply.Map(7);
        reply.Bulk("server"u8);
        reply.Bulk("redis"u8);
        reply.Bulk("version"u8);
        reply.Bulk(KeyValueServer.RedisVersion);
        reply.Bulk("proto"u8);
        reply.Number(version);
        reply.Bulk("id"u8);
        reply.Number(call.Session.Id);
        reply.Bulk("mode"u8);
        reply.Bulk("standalone"u8);
        reply.Bulk("role"u8);
        reply.Bulk("master"u8);
        reply.Bulk("modules"u8);
        reply.Array(0);
    }

    public static void Reset(scoped in CommandCall call, ref RespWriter reply)
    {
        call.Server.Monitors.Remove(call.Session);
        call.Session.Reset();
        reply.Version = 2;
        reply.Simple("RESET"u8);
    }

    public static void Monitor(scoped in CommandCall call, ref RespWriter reply)
    {
        call.Server.Monitors.Add(call.Session);
        reply.Ok();
    }

    private static bool Authenticate(scoped in CommandCall call, ReadOnlySpan<byte> user, ReadOnlySpan<byte> password, ref RespWriter reply)
    {
        // Without a password the one user that there is takes any.
        byte[]? expected = call.Server.Password;
        if (user.SequenceEqual("default"u8) && (expected is null || CryptographicOperations.FixedTimeEquals(password, expected)))
        {
            call.Session.Authenticate();
            return true;
        }
        call.Fail(ref reply, Errors.WrongPassword);
        return false;
    }
}
