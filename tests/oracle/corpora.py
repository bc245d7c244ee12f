#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ordinary letters in seven languages, for postoffices made with `--layout random`.

All sentences were written for this file.  {who}, {thing}, {day} and {n} stand for a name, a thing,
a day and a number.  Every character is in each code page that the language is used with.
"""

CODEPAGES = {
    "english": ("437", "850", "1252"),
    "german": ("437", "850", "1252"),
    "french": ("437", "850", "1252"),
    "spanish": ("437", "850", "1252"),
    "swedish": ("437", "850", "1252"),
    "polish": ("852",),
    "russian": ("866",),
}

# labels of the block that Windows clients put before the text (Q119356: in the client's language);
# priorities: high, normal, low
LABELS = {
    "english": ("From", "To", "Subject", "Date", "Priority", "Message ID", "Conversation ID"),
    "german": ("Von", "An", "Betreff", "Datum", "Priorität", "Nachrichten-ID", "Gesprächs-ID"),
    "french": ("De", "A", "Objet", "Date", "Priorité", "ID message", "ID conversation"),
    "spanish": (
        "De",
        "Para",
        "Asunto",
        "Fecha",
        "Prioridad",
        "ID de mensaje",
        "ID de conversación",
    ),
    "swedish": (
        "Från",
        "Till",
        "Ärende",
        "Datum",
        "Prioritet",
        "Meddelande-ID",
        "Konversations-ID",
    ),
    "polish": ("Od", "Do", "Temat", "Data", "Priorytet", "ID wiadomości", "ID rozmowy"),
    "russian": ("От", "Кому", "Тема", "Дата", "Важность", "Код сообщения", "Код беседы"),
}
PRIORITIES = {
    "english": ("High", "Normal", "Low"),
    "german": ("Hoch", "Normal", "Niedrig"),
    "french": ("Haute", "Normale", "Basse"),
    "spanish": ("Alta", "Normal", "Baja"),
    "swedish": ("Hög", "Normal", "Låg"),
    "polish": ("Wysoki", "Normalny", "Niski"),
    "russian": ("Высокая", "Обычная", "Низкая"),
}

NAMES = {
    "english": "Peter Ann Robert Susan George Helen Martin Alice Tom Mary".split(),
    "german": "Jürgen Käthe Günther Birgit Wolfgang Heike Jörg Sabine Uwe Monika".split(),
    "french": "Hélène Jean-Paul Françoise Gérard Sylvie Benoît Chantal Michel Noël Agnès".split(),
    "spanish": "José María Carmen Andrés Lucía Javier Pilar Ramón Begoña Luis".split(),
    "swedish": "Åsa Björn Märta Göran Lennart Birgitta Håkan Eva Sören Kerstin".split(),
    "polish": "Łukasz Małgorzata Paweł Grażyna Stanisław Bożena Józef Zofia Michał Ewa".split(),
    "russian": "Ирина Сергей Татьяна Андрей Наталья Юрий Галина Дмитрий Фёдор Ольга".split(),
}
DAYS = {
    "english": "Monday Tuesday Wednesday Thursday Friday".split(),
    "german": "Montag Dienstag Mittwoch Donnerstag Freitag".split(),
    "french": "lundi mardi mercredi jeudi vendredi".split(),
    "spanish": "lunes martes miércoles jueves viernes".split(),
    "swedish": "måndag tisdag onsdag torsdag fredag".split(),
    "polish": "poniedziałek wtorek środę czwartek piątek".split(),
    "russian": "понедельник вторник среду четверг пятницу".split(),
}
THINGS = {
    "english": """the price list|the new contract|the budget for next year|the delivery note
        the minutes of the meeting|the order for spare parts|the training plan|the old printer
        the warehouse key|the customer survey|invoice {n}|the plan for the move""",
    "german": """die Preisliste|der neue Vertrag|der Haushalt für nächstes Jahr|der Lieferschein
        das Protokoll der Sitzung|die Bestellung der Ersatzteile|der Schulungsplan|die Maßtabelle
        der Schlüssel zum Lager|die Umfrage unter den Kunden|Rechnung {n}|der Plan für den Umzug""",
    "french": """la liste des prix|le nouveau contrat|le budget de l'année prochaine|le compte rendu
        le bon de livraison|la commande des pièces|le plan de formation|la vieille imprimante
        la clé du dépôt|l'enquête auprès des clients|la facture {n}|le projet de déménagement""",
    "spanish": """la lista de precios|el nuevo contrato|el presupuesto del próximo año|el albarán
        el acta de la reunión|el pedido de repuestos|el plan de formación|la impresora pequeña
        la llave del almacén|la encuesta a los clientes|la factura {n}|el plan de la mudanza""",
    "swedish": """prislistan|det nya avtalet|budgeten för nästa år|följesedeln|utbildningsplanen
        protokollet från mötet|beställningen av reservdelar|den gamla skrivaren|nyckeln till lagret
        enkäten bland kunderna|faktura {n}|planen för flytten""",
    "polish": """cennik|nowa umowa|budżet na przyszły rok|dowód dostawy|protokół zebrania
        zamówienie części zamiennych|plan szkoleń|stara drukarka|klucz do magazynu
        ankieta wśród klientów|faktura {n}|plan przeprowadzki""",
    "russian": """прайс-лист|новый договор|бюджет на будущий год|накладная|протокол совещания
        заказ на запасные части|план обучения|старый принтер|ключ от склада
        опрос заказчиков|счёт {n}|план переезда""",
}
GREETINGS = {
    "english": ("Dear {who},", "Hello {who},", "Hi,", "{who},", "Good morning,"),
    "german": ("Liebe Kollegen,", "Hallo {who},", "Guten Tag,", "{who},", "Grüß Gott,"),
    "french": ("Bonjour {who},", "Bonjour,", "Chers collègues,", "{who},"),
    "spanish": ("Hola {who}:", "Buenos días:", "Estimados compañeros:", "{who}:"),
    "swedish": ("Hej {who}!", "Hej på er!", "God morgon,", "{who},"),
    "polish": ("Dzień dobry,", "Szanowni Państwo,", "Cześć,", "{who},"),
    "russian": ("Здравствуйте!", "Добрый день!", "{who}, добрый день!", "Коллеги,"),
}
CLOSINGS = {
    "english": ("Kind regards", "Best wishes", "Thanks", "Yours"),
    "german": ("Viele Grüße", "Mit freundlichen Grüßen", "Schöne Grüße", "Danke"),
    "french": ("Cordialement", "Merci d'avance", "Amicalement", "Bien à vous"),
    "spanish": ("Un saludo", "Saludos cordiales", "Gracias", "Un abrazo"),
    "swedish": ("Hälsningar", "Med vänlig hälsning", "Tack på förhand", "Vi hörs"),
    "polish": ("Pozdrawiam", "Z poważaniem", "Dziękuję", "Do usłyszenia"),
    "russian": ("С уважением", "Спасибо", "Всего доброго", "До встречи"),
}

SENTENCES = {
    "english": """
Could you please send me {thing} before {day}?
I talked to {who} about {thing}, and we both think it can wait until next week.
The truck left this morning with {n} boxes and should be with you on {day}.
We still have {n} open questions, most of them about {thing}.
The heating on the second floor will be switched off on {day} from nine to twelve.
Nobody has seen {thing} since {who} went on holiday.
Please remember that the office closes at four o'clock on {day}.
The customer called again and wants to know why {thing} has not arrived.
I have put a copy on the server, in the folder with the number {n}.
That is all for now; if anything changes I will let you know at once.
Would {day} at half past ten suit you, or is the afternoon better?
We sold {n} units last month, which is a little more than we had expected.
{who} asked me to tell you that the visitors will come by train.
As you know, the machine stopped twice in one week and nobody could say why.
My telephone number changes on {day}; the new one ends in {n}.
It would be good to have {thing} in writing, so that there is no quarrel later.
The figures on page {n} cannot be right: the sum is larger than the parts.
Thank you very much for your quick answer and for the help with {thing}.
In the meantime {who} will look after everything, so do not worry.
There is cake in the kitchen, because {who} has a birthday today.
""",
    "german": """
Könnten Sie mir bitte bis {day} sagen, wo {thing} geblieben ist?
Ich habe mit {who} gesprochen, und wir meinen beide, dass es noch eine Woche warten kann.
Der Lastwagen ist heute früh mit {n} Kisten abgefahren und müßte am {day} bei Ihnen sein.
Es gibt noch {n} offene Fragen, die meisten drehen sich um dasselbe Thema.
Die Heizung im zweiten Stock wird am {day} von neun bis zwölf Uhr abgestellt.
Seit {who} im Urlaub ist, fragt jeder, wo {thing} liegt.
Bitte denken Sie daran, daß das Büro am {day} schon um vier Uhr schließt.
Der Kunde hat wieder angerufen und möchte wissen, warum nichts angekommen ist.
Eine Kopie liegt auf dem Server, im Verzeichnis mit der Nummer {n}.
Das ist vorläufig alles; wenn sich etwas ändert, melde ich mich sofort.
Paßt Ihnen {day} um halb elf, oder wäre der Nachmittag günstiger?
Wir haben im letzten Monat {n} Stück verkauft, etwas mehr, als wir erwartet hatten.
{who} läßt ausrichten, daß die Besucher mit der Bahn kommen.
Wie Sie wissen, stand die Maschine in einer Woche zweimal still, und keiner wußte, weshalb.
Meine Durchwahl ändert sich am {day}, die neue endet auf {n}.
Hier ist {thing}, damit es später keinen Ärger gibt.
Die Zahlen auf Seite {n} können nicht stimmen: Die Summe ist größer als ihre Teile.
Vielen Dank für die schnelle Antwort und für Ihre Hilfe in dieser Sache.
In der Zwischenzeit kümmert sich {who} um alles, machen Sie sich also keine Sorgen.
In der Küche steht Kuchen, weil {who} heute Geburtstag hat.
""",
    "french": """
Pourriez-vous me dire avant {day} où se trouve {thing} ?
J'ai parlé avec {who} et nous pensons tous les deux que cela peut attendre une semaine.
Le camion est parti ce matin avec {n} cartons et devrait arriver chez vous {day}.
Il reste {n} questions ouvertes, la plupart sur le même sujet.
Le chauffage du deuxième étage sera coupé {day} de neuf heures à midi.
Depuis que {who} est en congé, tout le monde cherche {thing}.
N'oubliez pas que le bureau ferme à quatre heures {day}.
Le client a rappelé et voudrait savoir pourquoi rien n'est arrivé.
J'ai mis une copie sur le serveur, dans le dossier numéro {n}.
C'est tout pour le moment ; si quelque chose change, je vous préviens aussitôt.
Est-ce que {day} à dix heures et demie vous convient, ou préférez-vous l'après-midi ?
Nous avons vendu {n} pièces le mois dernier, un peu plus que prévu.
{who} me prie de vous dire que les visiteurs viendront par le train.
Comme vous le savez, la machine s'est arrêtée deux fois et personne ne sait pourquoi.
Mon numéro de téléphone change {day}, le nouveau se termine par {n}.
Voici {thing}, pour qu'il n'y ait pas de problème plus tard.
Les chiffres de la page {n} ne peuvent pas être justes : la somme dépasse les parties.
Merci beaucoup pour votre réponse rapide et pour votre aide.
En attendant, c'est {who} qui s'occupe de tout, ne vous inquiétez donc pas.
Il y a un gâteau à la cuisine, c'est l'anniversaire de {who} aujourd'hui.
""",
    "spanish": """
¿Me podría decir antes del {day} dónde está {thing}?
He hablado con {who} y los dos creemos que puede esperar una semana más.
El camión ha salido esta mañana con {n} cajas y debería llegar el {day}.
Todavía quedan {n} preguntas abiertas, casi todas sobre el mismo asunto.
La calefacción del segundo piso estará apagada el {day} de nueve a doce.
Desde que {who} está de vacaciones, nadie sabe dónde está {thing}.
Recuerden, por favor, que la oficina cierra a las cuatro el {day}.
El cliente ha vuelto a llamar y quiere saber por qué no ha recibido nada.
He dejado una copia en el servidor, en la carpeta número {n}.
Eso es todo por ahora; si algo cambia, les avisaré enseguida.
¿Le viene bien el {day} a las diez y media, o prefiere por la tarde?
El mes pasado vendimos {n} unidades, un poco más de lo que esperábamos.
{who} me pide que les diga que los visitantes vendrán en tren.
Como saben, la máquina se paró dos veces en una semana y nadie supo por qué.
Mi número de teléfono cambia el {day}; el nuevo termina en {n}.
Aquí está {thing}, para que después no haya ningún problema.
Las cifras de la página {n} no pueden ser correctas: la suma es mayor que las partes.
Muchas gracias por la rápida respuesta y por la ayuda.
Mientras tanto {who} se ocupará de todo, así que no se preocupen.
Hay tarta en la cocina, porque hoy es el cumpleaños de {who}.
""",
    "swedish": """
Kan du vara snäll och säga före {day} var {thing} finns?
Jag har pratat med {who}, och vi tycker båda att det kan vänta en vecka till.
Lastbilen gick i morse med {n} lådor och borde vara hos er på {day}.
Vi har fortfarande {n} öppna frågor, de flesta om samma sak.
Värmen på andra våningen stängs av på {day} mellan nio och tolv.
Sedan {who} gick på semester är det ingen som vet var {thing} ligger.
Kom ihåg att kontoret stänger redan klockan fyra på {day}.
Kunden har ringt igen och vill veta varför ingenting har kommit fram.
Jag har lagt en kopia på servern, i mappen med nummer {n}.
Det var allt för den här gången; om något ändras hör jag av mig genast.
Passar {day} klockan halv elva, eller är eftermiddagen bättre?
Vi sålde {n} stycken förra månaden, lite mer än vi hade väntat oss.
{who} hälsar att besökarna kommer med tåget.
Som ni vet stannade maskinen två gånger på en vecka, och ingen förstod varför.
Mitt telefonnummer ändras på {day}; det nya slutar på {n}.
Här är {thing}, så att det inte blir något bråk efteråt.
Siffrorna på sidan {n} kan inte stämma: summan är större än delarna.
Tack så mycket för det snabba svaret och för hjälpen.
Under tiden tar {who} hand om allt, så oroa er inte.
Det finns tårta i köket, för {who} fyller år i dag.
""",
    "polish": """
Czy mogę prosić o odpowiedź przed końcem tygodnia? Chodzi o {thing}.
Rozmawiałem o tym wczoraj i oboje uważamy, że sprawa może jeszcze poczekać.
Ciężarówka wyjechała dziś rano, wiezie {n} skrzyń i powinna być u Państwa w {day}.
Zostało jeszcze {n} pytań, większość dotyczy tego samego.
Ogrzewanie na drugim piętrze będzie wyłączone w {day} od dziewiątej do dwunastej.
Odkąd {who} jest na urlopie, nikt nie wie, gdzie jest {thing}.
Proszę pamiętać, że biuro zamykamy w {day} już o czwartej.
Klient znów dzwonił i chce wiedzieć, dlaczego nic nie przyszło.
Kopia leży na serwerze, w katalogu o numerze {n}.
To na razie wszystko; jeśli coś się zmieni, od razu dam znać.
Czy odpowiada Pani spotkanie w {day} o wpół do jedenastej, czy lepiej po południu?
W zeszłym miesiącu sprzedaliśmy {n} sztuk, trochę więcej, niż się spodziewaliśmy.
{who} prosi przekazać, że goście przyjadą pociągiem.
Jak wiadomo, maszyna stanęła dwa razy w ciągu tygodnia i nikt nie wiedział, dlaczego.
Mój numer telefonu zmieni się w {day}; nowy kończy się na {n}.
W załączeniu {thing}, żeby później nie było kłopotów.
Liczby na stronie {n} nie mogą być prawdziwe: suma jest większa niż jej części.
Bardzo dziękuję za szybką odpowiedź i za pomoc.
Tymczasem {who} zajmie się wszystkim, proszę się nie martwić.
W kuchni jest ciasto, bo {who} ma dziś urodziny.
""",
    "russian": """
Пожалуйста, ответьте до конца недели, речь идёт о следующем: {thing}.
Мы вчера говорили об этом и оба считаем, что дело может подождать ещё неделю.
Машина вышла сегодня утром, в ней {n} ящиков, она будет у вас в {day}.
Осталось ещё {n} вопросов, почти все об одном и том же.
Отопление на втором этаже отключат в {day} с девяти до двенадцати.
С тех пор как {who} в отпуске, никто не знает, где {thing}.
Не забудьте, что в {day} контора закрывается уже в четыре часа.
Заказчик опять звонил и спрашивал, почему до сих пор ничего не пришло.
Копия лежит на сервере, в каталоге под номером {n}.
Пока это всё; если что-нибудь изменится, я сразу сообщу.
Вам удобно в {day} в половине одиннадцатого или лучше после обеда?
За прошлый месяц мы продали {n} штук, немного больше, чем ожидали.
{who} просит передать, что гости приедут поездом.
Как вы знаете, станок за неделю остановился дважды, и никто не понял почему.
Мой телефон меняется в {day}, новый номер оканчивается на {n}.
Вот {thing}, чтобы потом не было недоразумений.
Цифры на странице {n} не могут быть верны: сумма больше своих частей.
Большое спасибо за быстрый ответ и за помощь.
Тем временем всем займётся {who}, так что не беспокойтесь.
На кухне стоит торт, потому что {who} празднует день рождения.
""",
}


def things(language):
    return [part.strip() for part in THINGS[language].replace("\n", "|").split("|")]


def sentences(language):
    return SENTENCES[language].strip().split("\n")
