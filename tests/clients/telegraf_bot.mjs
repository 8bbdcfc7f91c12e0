// A telegraf bot on the local Telegram: polling or webhook, as its argument says.
import { createServer } from "node:http";
import { Input, Markup, Telegraf } from "telegraf";
import { PICTURE, SECRET, listening } from "./parts.mjs";

const bot = new Telegraf(process.env.TELEGRAM_TOKEN, { telegram: { apiRoot: process.env.TELEGRAM_URL } });

bot.start((ctx) =>
  ctx.replyWithHTML(`Hello, <b>${ctx.from.first_name}</b>`, Markup.inlineKeyboard([Markup.button.callback("Again", "again")])),
);
bot.command("picture", (ctx) => ctx.replyWithPhoto(Input.fromBuffer(PICTURE, "dot.png"), { caption: "A picture" }));
bot.action("again", async (ctx) => {
  await ctx.answerCbQuery("Sure");
  await ctx.editMessageText(`Hello again, ${ctx.from.first_name}`);
});
bot.on("text", (ctx) => ctx.reply(`${ctx.from.first_name} said: ${ctx.message.text}`));

await bot.telegram.setMyCommands([{ command: "picture", description: "Show a picture" }]);
if (process.argv[2] === "webhook") {
  const url = await listening(createServer(bot.webhookCallback("/bot", { secretToken: SECRET })));
  await bot.telegram.setWebhook(url, { secret_token: SECRET });
} else {
  await bot.launch();
}
